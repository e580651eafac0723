package assurance

// Profile chooses how the decision table reads restricted evidence.
type Profile string

// The profiles. Standard lets a password and a mailed code reach AAL2, marked
// restricted; NIST follows SP 800-63B-4, where e-mail never raises a level;
// Strict gives no weight to e-mail or telephone at all.
const (
	Standard Profile = "standard"
	NIST     Profile = "nist"
	Strict   Profile = "strict"
)

// Valid reports whether p is a known profile.
func (p Profile) Valid() bool { return p == Standard || p == NIST || p == Strict }

// Trust says whether a key model is trusted today to keep its keys in
// hardware. It is asked at every computation, so metadata that revokes a model
// lowers live sessions without touching them. A nil Trust trusts no model.
type Trust func(model string) bool

// LevelOf computes the level that a set of proofs gives, after the decision
// table of SP 800-63B-4, sections 2.1 to 2.3. It ignores age; see
// [Limits.Standing] for that. It is monotone: one more proof never lowers it.
//
// A look-up (recovery) code raises nothing beyond AAL1: it opens re-enrolment,
// after which a full sign-in follows.
func LevelOf(profile Profile, trust Trust, proofs []Proof) Level {
	level := None
	for _, p := range proofs {
		level = max(level, alone(profile, trust, p))
		if p.Class != Memorized {
			continue
		}
		for _, q := range proofs {
			level = max(level, withPassword(profile, trust, p, q))
		}
	}
	return level
}

// alone is the level that one proof gives by itself (rows 1-3 and 10-12).
func alone(profile Profile, trust Trust, p Proof) Level {
	switch p.Class {
	case Memorized, OneTime, LookUp:
		return AAL1
	case Telephone:
		if profile == Standard || profile == NIST {
			return AAL1
		}
	case Mailbox:
		if profile == Standard {
			return AAL1
		}
	case Key:
		switch {
		case p.UserVerified && hardware(trust, p):
			return AAL3
		case p.UserVerified:
			return AAL2
		}
		return AAL1
	}
	return None
}

// withPassword is the level that password k and proof q give together
// (rows 5-9 and 13).
func withPassword(profile Profile, trust Trust, k, q Proof) Level {
	oneMailbox := k.Channel != "" && k.Channel == q.Channel // one mailbox is one proof, however often it answers
	switch q.Class {
	case OneTime:
		return AAL2
	case Telephone:
		if (profile == Standard || profile == NIST) && !oneMailbox {
			return AAL2
		}
	case Mailbox:
		if profile == Standard && !oneMailbox {
			return AAL2
		}
	case Key:
		if hardware(trust, q) {
			return AAL3
		}
		return AAL2
	}
	return None
}

// hardware reports whether p shows a key that cannot leave hardware: attested
// when it was bound, not backup eligible, and of a model trusted today.
func hardware(trust Trust, p Proof) bool {
	return p.Hardware && !p.BackupEligible && trust != nil && trust(p.Model)
}

// PhishingResistant reports whether a key, bound to the verifier's name, is
// among the proofs (SP 800-63B-4, 3.2.5). Codes never are.
func PhishingResistant(proofs []Proof) bool {
	for _, p := range proofs {
		if p.Class == Key {
			return true
		}
	}
	return false
}

// restricted reports whether a level rests on telephone or mailbox evidence.
func restricted(profile Profile, trust Trust, proofs []Proof, level Level) bool {
	var rest []Proof
	for _, p := range proofs {
		if p.Class != Telephone && p.Class != Mailbox {
			rest = append(rest, p)
		}
	}
	return LevelOf(profile, trust, rest) < level
}

// AMR returns the authentication method references (RFC 8176) of proofs at a
// level: one value per proof, "user" with a key, and "mfa" from AAL2 on.
// "email" and "recovery" are private values; pin, fpt and face are never
// claimed, since WebAuthn does not tell which of them was used.
func AMR(trust Trust, proofs []Proof, level Level) []string {
	out := []string{}
	add := func(v string) {
		for _, have := range out {
			if have == v {
				return
			}
		}
		out = append(out, v)
	}
	key := false
	for _, p := range proofs {
		switch {
		case p.Class != Key:
			add(p.AMR)
		case p.BackupEligible:
			add("swk")
		case hardware(trust, p):
			add("hwk")
		default:
			add("pop")
		}
		key = key || p.Class == Key
	}
	if key {
		add("user")
	}
	if level >= AAL2 {
		add("mfa")
	}
	return out
}
