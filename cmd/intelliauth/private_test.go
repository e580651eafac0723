package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestDatabaseIsPrivate: nobody else on the machine reads the database, its log
// or a copy, whatever the umask.
func TestDatabaseIsPrivate(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "private.db")
	if err := createPrivate(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %s", info.Mode())
	}
	if err := os.WriteFile(path, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := createPrivate(path); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "kept" {
		t.Errorf("the file was emptied: %q %v", b, err)
	}
}
