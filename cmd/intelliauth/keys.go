package main

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/token"
)

type keyRotateCommand struct {
	inTenant
	Root bool `help:"Wrap all keys under the first of root_keys; after it the older ones may be removed."`
}

func (c *keyRotateCommand) Run(ctx context.Context, m *Main) error {
	if c.Root {
		return c.rotateRoot(ctx, m)
	}
	st, t, err := m.tenantOf(ctx, c.inTenant)
	if err != nil {
		return err
	}
	defer st.Close()
	key, err := token.NewKeys(st, m.Now, m.Random).Rotate(ctx, t)
	if err != nil {
		return err
	}
	m.say("Tenant %s has a new %s key, %s.", t.ID, key.Algorithm, key.ID)
	m.say("It is published now and signs from %s on; the old one stays published until its last token ended.", key.ActiveAt.Format(time.RFC3339))
	return nil
}

func (c *keyRotateCommand) rotateRoot(ctx context.Context, m *Main) error {
	st, err := m.open(ctx, c.place)
	if err != nil {
		return err
	}
	defer st.Close()
	n, err := st.RotateRoot(ctx)
	if err != nil {
		return err
	}
	m.say("%s wrapped under the first root key. The others open nothing any more: you may remove them.", counted(n, "key is", "keys are"))
	return nil
}

// rootKeyLength is the length of a root key in bytes.
const rootKeyLength = 32

// newRootKey writes a fresh root key to a file that must not exist.
func (m *Main) newRootKey(path string) error {
	key := make([]byte, rootKeyLength)
	if _, err := m.Random.Read(key); err != nil {
		return err
	}
	return writeNew(path, []byte(base64.StdEncoding.EncodeToString(key)+"\n"), 0o600)
}

func readRootKey(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(raw)))
	if err == nil && len(key) != rootKeyLength {
		err = errors.New("a root key has 32 bytes")
	}
	return key, err
}

// writeNew writes a file that must not exist, durably.
func writeNew(path string, content []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}
