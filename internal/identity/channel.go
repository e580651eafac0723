package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// ChannelOf names a mailbox or number without telling it: the keyed hash that
// proofs carry and that a password set through it carries, so that the two can
// be seen to be one (C-24). key is the tenant's and must not change while
// anything holds such a name. Where there is nothing to name it answers "".
//
// A mailbox is named by the canonical form of its address without what follows
// a plus sign: almost everywhere that is one mailbox, and to take two for one
// can only lower a level.
func ChannelOf(key []byte, channel, to string) string {
	if channel == "" || to == "" {
		return ""
	}
	if channel == ChannelEmail {
		to, _ = Canonical(to)
		if at := strings.LastIndexByte(to, '@'); at > 0 {
			if plus := strings.IndexByte(to[:at], '+'); plus > 0 {
				to = to[:plus] + to[at:]
			}
		}
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("channel\x00" + channel + "\x00" + to))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
