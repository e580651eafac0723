package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/intelliauth/intelliauth/cmd/intelliauth/config"
	"github.com/intelliauth/intelliauth/internal/factor/passkey"
)

// metadataEvery is how often the files of passkey_metadata are looked at.
const metadataEvery = time.Hour

// makes is what is known of makes of passkeys, and where it is read. Nil is
// nothing.
type makes struct {
	passkey.Metadata
	blob, root string
	read       time.Time // when the blob that is known was written
	now        func() time.Time
	log        *slog.Logger
}

// passkeyMetadata reads the files that the configuration names.
func (m *Main) passkeyMetadata(files *config.Metadata, log *slog.Logger) (*makes, error) {
	if files == nil {
		return nil, nil
	}
	k := &makes{blob: files.Blob, root: files.Root, now: m.Now, log: log}
	due, err := k.load()
	if err != nil {
		return nil, next(err, "take a new blob from https://mds3.fidoalliance.org and check `passkey_metadata`")
	}
	if m.Now().After(due) {
		log.Warn("the passkey metadata is out of date", "due", due.Format(time.DateOnly))
	}
	return k, nil
}

func (k *makes) known() *passkey.Metadata {
	if k == nil {
		return nil
	}
	return &k.Metadata
}

func (k *makes) load() (due time.Time, err error) {
	info, err := os.Stat(k.blob)
	if err != nil {
		return due, err
	}
	blob, err := os.ReadFile(k.blob)
	if err != nil {
		return due, err
	}
	root, err := os.ReadFile(k.root)
	if err != nil {
		return due, err
	}
	if due, err = k.Load(blob, root, k.now()); err != nil {
		return due, fmt.Errorf("%s: %w", k.blob, err)
	}
	k.read = info.ModTime()
	return due, nil
}

// run reads a blob that was replaced; one that cannot be read leaves what is
// known as it is.
func (k *makes) run(ctx context.Context) {
	if k == nil {
		return
	}
	ticker := time.NewTicker(metadataEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if info, err := os.Stat(k.blob); err == nil && info.ModTime().Equal(k.read) {
			continue
		}
		if due, err := k.load(); err != nil {
			k.log.WarnContext(ctx, "the passkey metadata could not be read again", "error", err)
		} else {
			k.log.InfoContext(ctx, "passkey metadata", "file", k.blob, "due", due.Format(time.DateOnly))
		}
	}
}
