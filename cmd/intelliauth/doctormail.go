package main

import (
	"context"
	"fmt"
	"time"

	"github.com/intelliauth/intelliauth/cmd/intelliauth/config"
	"github.com/intelliauth/intelliauth/internal/deliver"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

const (
	probeFor   = 15 * time.Second
	waitingFor = 5 * time.Minute // from when on a message that was not sent is worth a look
)

// sendingFindings asks every mail server and provider whether a message would
// get through, without sending one.
func sendingFindings(ctx context.Context, m *Main, cfg *config.Config) []finding {
	all, err := m.senders(cfg)
	if err != nil {
		return []finding{{"mail", err.Error(), "check `mail` and `sms` in the configuration", false}}
	}
	var out []finding
	for _, t := range cfg.Tenants {
		for _, channel := range []string{identity.ChannelEmail, identity.ChannelSMS} {
			for _, s := range all.of(t.ID, channel) {
				out = append(out, probed(ctx, t, channel, s))
			}
		}
	}
	return out
}

func probed(ctx context.Context, t config.Tenant, channel string, s deliver.Sender) finding {
	f := finding{what: "mail", detail: fmt.Sprintf("%s: %s", t.ID, s.Name())}
	if channel == identity.ChannelSMS {
		f.what = "sms"
	}
	if server, ok := s.(*deliver.SMTP); ok {
		f.detail += " " + server.Address()
	}
	p, ok := s.(deliver.Prober)
	if !ok {
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, probeFor)
	defer cancel()
	if err := p.Probe(ctx); err != nil {
		f.detail += ": " + err.Error()
		f.cure = "check it under `" + f.what + "` of this tenant, and the way there; messages wait meanwhile"
		return f
	}
	f.detail += " answers"
	return f
}

// outboxFinding looks at what a tenant could not send.
func outboxFinding(ctx context.Context, st *store.Store, t identity.Tenant, now time.Time) []finding {
	waiting, dead := 0, 0
	err := st.View(ctx, t.ID, func(tx identity.Tx) error {
		list, err := tx.Outbox.List(ctx, 1000)
		for _, m := range list {
			if m.SentAt == nil && m.DeadAt == nil && now.Sub(m.At) > waitingFor {
				waiting++
			}
		}
		if err != nil {
			return err
		}
		events, err := tx.Events.List(ctx, identity.EventFilter{Since: now.Add(-24 * time.Hour), Limit: 1000})
		for _, e := range events {
			if e.Type == identity.EventSendFailed {
				dead++
			}
		}
		return err
	})
	if err != nil {
		return nil // the tenant's own finding tells
	}
	var out []finding
	if waiting > 0 {
		out = append(out, finding{"outbox", fmt.Sprintf("%s: %s to be sent for more than %s", t.ID, counted(waiting, "message waits", "messages wait"), waitingFor), "look at the findings on mail and sms, and whether `intelliauth serve` runs", true})
	}
	if dead > 0 {
		out = append(out, finding{"outbox", fmt.Sprintf("%s: %s given up in the last 24 hours", t.ID, counted(dead, "message was", "messages were")), "`intelliauth events --tenant " + t.ID + " --since 24h` tells why, as send.failed", true})
	}
	return out
}
