package main

import (
	"context"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{}

func (versionCommand) Run(_ context.Context, m *Main) error {
	m.say("intelliauth %s (%s, %s/%s)", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// version is what the build says of itself: a released version, or the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "development build of " + s.Value[:12]
		}
	}
	return "development build"
}
