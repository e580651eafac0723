package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

// The columns of the "Login Data Set for Risk-Based Authentication".
func columns() []string {
	return []string{
		"Login Timestamp", "User ID", "Round-Trip Time [ms]", "IP Address", "Country", "Region", "City", "ASN", "User Agent String",
		"Browser Name and Version", "OS Name and Version", "Device Type", "Login Successful", "Is Attack IP", "Is Account Takeover",
	}
}

const moment = "2006-01-02 15:04:05.000"

func writeCSV(path string, rows []row) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := csv.NewWriter(f)
	err = w.Write(columns())
	for _, r := range rows {
		err = errors.Join(err, w.Write([]string{
			r.At.UTC().Format(moment), strconv.FormatInt(r.User, 10), strconv.Itoa(r.RTT), r.IP, r.Country, r.Region, r.City, strconv.Itoa(r.ASN),
			r.UA, r.Browser, r.OS, r.Device, word(r.OK), word(r.AttackIP), word(r.Takeover),
		}))
	}
	w.Flush()
	return errors.Join(err, w.Error(), f.Close())
}

func word(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// readCSV reads at most so many rows, by the names of the columns.
func readCSV(path string, most int) ([]row, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := csv.NewReader(f)
	in.ReuseRecord = true
	head, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	at := map[string]int{}
	for i, name := range head {
		at[name] = i
	}
	for _, name := range columns() {
		if _, ok := at[name]; !ok {
			return nil, fmt.Errorf("%s has no column %q", path, name)
		}
	}
	var out []row
	for len(out) < most {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		get := func(name string) string { return string([]byte(record[at[name]])) }
		r := row{
			IP: get("IP Address"), Country: get("Country"), Region: get("Region"), City: get("City"), UA: get("User Agent String"),
			Browser: get("Browser Name and Version"), OS: get("OS Name and Version"), Device: get("Device Type"),
			OK: get("Login Successful") == "True", AttackIP: get("Is Attack IP") == "True", Takeover: get("Is Account Takeover") == "True",
		}
		if r.User, err = strconv.ParseInt(get("User ID"), 10, 64); err != nil {
			return nil, fmt.Errorf("%s: line %d: User ID: %w", path, len(out)+2, err)
		}
		if r.At, err = time.Parse(moment, get("Login Timestamp")); err != nil {
			return nil, fmt.Errorf("%s: line %d: Login Timestamp: %w", path, len(out)+2, err)
		}
		r.ASN, _ = strconv.Atoi(get("ASN"))                  // some rows have none
		r.RTT, _ = strconv.Atoi(get("Round-Trip Time [ms]")) // most rows have none
		out = append(out, r)
	}
	return out, nil
}
