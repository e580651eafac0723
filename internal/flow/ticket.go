package flow

import (
	"errors"
	"strings"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// KindTicket is the kind of ephemeral that an operator's ticket is: see
// [TicketKey].
const KindTicket = "operator-ticket"

// TicketKey is where the ticket that an operator made for a user is kept.
func TicketKey(user, value string) string {
	clean := strings.Map(func(c rune) rune {
		if c == ' ' || c == '-' {
			return -1
		}
		return c
	}, strings.ToUpper(value))
	return identity.HashKey(user + "\x00" + clean)
}

// acceptTicket opens the door that a code was sent for.
func (r *run) acceptTicket(one pendingTry, channel, to string, p Post) (Posted, error) {
	h := Ticketed{Challenge: one.challenge.ID, Ticket: Ticket{For: one.challenge.Purpose, Channel: channel, To: to, At: r.now}}
	if h.Ticket.For == string(Register) && r.user == nil {
		h.User = r.newcomer()
	}
	if err := r.converted(one.challenge); err != nil {
		return Posted{}, err
	}
	return r.advance(h, one.step, p)
}

// newcomer is the user that a registration makes.
func (r *run) newcomer() *identity.User {
	handle := make([]byte, handleLength)
	if _, err := r.e.Random.Read(handle); err != nil {
		panic("flow: no randomness: " + err.Error())
	}
	return &identity.User{
		ID: identity.NewID("usr", r.now, r.e.Random), Handle: handle, Identifier: r.flow.Canonical, Email: r.flow.Identifier,
		EmailVerified: true, CreatedAt: r.now, Locale: r.locale(),
	}
}

// operatorTicket accepts, in place of the mailed code, a ticket that an operator
// made for this user. It is used up in this transaction.
func (r *run) operatorTicket(one pendingTry, verdict error, p Post) (Posted, error) {
	if r.user == nil || strings.TrimSpace(p.Value) == "" {
		return r.refuse(one, verdict)
	}
	_, err := r.tx.Ephemerals.Take(r.ctx, KindTicket, TicketKey(r.user.ID, p.Value))
	switch {
	case gone(err):
		return r.refuse(one, verdict)
	case err != nil:
		return Posted{}, err
	}
	return r.acceptTicket(one, "", "", p)
}

var errNoNumber = errors.New("flow: no way to read telephone numbers")
