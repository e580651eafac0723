package identity

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

// What names a channel is the mailbox or number, however it was written, and
// it is the tenant's own.
func TestC24_ChannelOf(t *testing.T) {
	key := bytes.Repeat([]byte("k"), 32)
	ada := ChannelOf(key, ChannelEmail, "ada@example.com")
	for _, same := range []string{"Ada@Example.COM", " ada@example.com.", "ada+bank@example.com", "ADA+x+y@example.com"} {
		if got := ChannelOf(key, ChannelEmail, same); got != ada {
			t.Errorf("%q is named otherwise than ada@example.com", same)
		}
	}
	phone := ChannelOf(key, ChannelSMS, "+4915112345678")
	names := map[string]string{ada: "ada", phone: "phone"}
	for what, other := range map[string]string{
		"another mailbox": ChannelOf(key, ChannelEmail, "bob@example.com"),
		"another domain":  ChannelOf(key, ChannelEmail, "ada@example.org"),
		"a tag alone":     ChannelOf(key, ChannelEmail, "+ada@example.com"),
		"another number":  ChannelOf(key, ChannelSMS, "+4915112345679"),
		"another channel": ChannelOf(key, ChannelSMS, "ada@example.com"),
		"another key":     ChannelOf(bytes.Repeat([]byte("j"), 32), ChannelEmail, "ada@example.com"),
	} {
		if before, taken := names[other]; taken || other == "" {
			t.Errorf("%s is named as %q", what, before)
		}
		names[other] = what
	}
	raw, err := base64.RawURLEncoding.DecodeString(ada)
	if err != nil || len(raw) != 32 || strings.Contains(ada, "ada") {
		t.Errorf("%q, %v", ada, err)
	}
	for what, got := range map[string]string{"no channel": ChannelOf(key, "", "ada@example.com"), "nobody": ChannelOf(key, ChannelEmail, "")} {
		if got != "" {
			t.Errorf("%s is named %q", what, got)
		}
	}
}
