package main

import (
	"os"
	"sync/atomic"
	"time"
)

// devClock is a clock that can be moved, to see sessions decay. Where it was
// moved to is kept beside the data, which has seen that time.
type devClock struct {
	real  func() time.Time
	file  string
	moved atomic.Int64 // nanoseconds
}

// furthest is how far the clock may be moved either way.
const furthest = 10 * 365 * 24 * time.Hour

func newDevClock(real func() time.Time, file string) *devClock {
	c := &devClock{real: real, file: file}
	if raw, err := os.ReadFile(file); err == nil {
		if d, err := time.ParseDuration(string(raw)); err == nil && d.Abs() <= furthest {
			c.moved.Store(int64(d))
		}
	}
	return c
}

func (c *devClock) now() time.Time { return c.real().Add(c.offset()) }

func (c *devClock) offset() time.Duration { return time.Duration(c.moved.Load()) }

// advance moves the clock; ok is false beyond ten years.
func (c *devClock) advance(d time.Duration) (ok bool, err error) {
	to := c.offset() + d
	if d.Abs() > furthest || to.Abs() > furthest {
		return false, nil
	}
	c.moved.Store(int64(to))
	return true, os.WriteFile(c.file, []byte(to.String()), 0o600)
}
