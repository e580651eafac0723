package risk

import (
	"strings"
	"unicode/utf8"
)

// Agent is what a user-agent header claims: a label, never an identity. An
// empty field was not understood.
type Agent struct {
	Browser string // family and major version: "Firefox 140"
	System  string // "Windows 10.0", "iOS 18.1"
	Kind    string // desktop, mobile, tablet, script
	Client  Client
}

// longest is what browsers stay far below; more is noise or an attack.
const longest = 2048

// ParseAgent reads a header. One that is empty, longer than 2048 bytes or not
// UTF-8 gives the zero Agent: unknown.
func ParseAgent(header string) Agent {
	if !legible(header) {
		return Agent{}
	}
	a := Agent{Browser: browserOf(header), System: systemOf(header)}
	a.Kind = kindOf(header, a.System)
	switch {
	case scripted(header):
		a.Client, a.Kind = Script, "script"
	case a.Browser != "":
		a.Client = Browser
	}
	return a
}

func legible(header string) bool {
	return header != "" && len(header) <= longest && utf8.ValidString(header)
}

// Values are the levels of the agent's hierarchy, the finest first; "" is
// missing. The first is the header itself: hash it before it is kept.
func (a Agent) Values(header string) [AgentLevels]string {
	if !legible(header) {
		return [AgentLevels]string{}
	}
	return [AgentLevels]string{header, a.Browser, a.System, a.Kind}
}

// browserOf looks for the most special name first: all claim to be the others.
func browserOf(h string) string {
	for _, b := range [][2]string{
		{"Edg/", "Edge"},
		{"EdgA/", "Edge"},
		{"EdgiOS/", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung"},
		{"Vivaldi/", "Vivaldi"},
		{"YaBrowser/", "Yandex"},
		{"FxiOS/", "Firefox"},
		{"Firefox/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Version/", "Safari"},
	} {
		_, rest, ok := strings.Cut(h, b[0])
		if !ok || b[1] == "Safari" && !strings.Contains(h, "Safari/") {
			continue
		}
		if v := version(rest, 1); v != "" {
			return b[1] + " " + v
		}
	}
	return ""
}

func systemOf(h string) string {
	for _, s := range [][2]string{
		{"Windows NT ", "Windows"},
		{"CPU iPhone OS ", "iOS"},
		{"CPU OS ", "iOS"},
		{"Android ", "Android"},
		{"Mac OS X ", "macOS"},
		{"CrOS ", "ChromeOS"},
	} {
		_, rest, ok := strings.Cut(h, s[0])
		if !ok {
			continue
		}
		return strings.TrimSpace(s[1] + " " + version(rest, 2))
	}
	if strings.Contains(h, "Linux") {
		return "Linux"
	}
	return ""
}

func kindOf(h, system string) string {
	family, _, _ := strings.Cut(system, " ")
	switch {
	case strings.Contains(h, "iPad") || strings.Contains(h, "Tablet"):
		return "tablet"
	case family == "Android" && !strings.Contains(h, "Mobile"):
		return "tablet"
	case family == "Android" || family == "iOS" || strings.Contains(h, "Mobile"):
		return "mobile"
	case system != "":
		return "desktop"
	}
	return ""
}

func scripted(h string) bool {
	lower := strings.ToLower(h)
	for _, s := range []string{
		"curl/", "wget/", "python", "go-http-client", "java/", "okhttp", "libwww", "headless", "phantomjs",
		"bot", "spider", "crawl", "httpclient", "axios/", "node-fetch", "postman", "scrapy",
	} {
		if strings.Contains(lower, s) {
			return true
		}
	}
	return false
}

// version reads up to parts numbers, joined by a point. A number of more than
// five digits is none.
func version(s string, parts int) string {
	end, digits := 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			if digits++; digits > 5 {
				return ""
			}
			end = i + 1
			continue
		case (c == '.' || c == '_') && digits > 0 && parts > 1:
			parts, digits = parts-1, 0
			continue
		}
		break
	}
	return strings.ReplaceAll(s[:end], "_", ".")
}
