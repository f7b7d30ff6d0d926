package main

import (
	"strings"
	"testing"
)

func TestAMeterShowsHowFarItIsAndLeavesNothingOnTheScreen(t *testing.T) {
	var screen strings.Builder
	m := newMeter(&screen, "restore", true, 0)
	m.at(0, 0) // not known yet
	m.at(1<<20, 4<<20)
	m.now("groups")
	m.at(9<<20, 4<<20) // an estimate may be too low
	m.at(5<<20, 10<<20)
	for _, want := range []string{"restore", "groups", "MiB"} {
		if !strings.Contains(screen.String(), want) {
			t.Errorf("the screen never shows %q: %q", want, screen.String())
		}
	}
	m.end()
	if last := screen.String()[strings.LastIndex(strings.TrimRight(screen.String(), "\r"), "\r")+1:]; strings.TrimSpace(strings.TrimSuffix(last, "\x1b[2K")) != "" {
		t.Errorf("it leaves %q", last)
	}
	(*meter)(nil).at(1, 2)
	(*meter)(nil).now("nothing")
	(*meter)(nil).end()
}
