package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// moment is a flag that takes a time as our lists print it (UTC), as RFC 3339,
// or as a record's timestamp in milliseconds.
type moment struct{ time.Time }

// Set implements pflag.Value.
func (m *moment) Set(text string) error {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms > 1e11 {
		m.Time = time.UnixMilli(ms).UTC()
		return nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			m.Time = t.UTC()
			return nil
		}
	}
	return fmt.Errorf(`%q is no time: write 2026-11-21T18:00:00Z, "2026-11-21 18:00:00" (UTC), or milliseconds`, text)
}

// String implements pflag.Value.
func (m *moment) String() string {
	if m == nil || m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339Nano)
}

// Type implements pflag.Value.
func (*moment) Type() string { return "time" }

// period is a flag that takes days, weeks and years, too: 36h, 30d, 2w, 1y.
type period struct{ time.Duration }

// Set implements pflag.Value.
func (p *period) Set(text string) error {
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		p.Duration = d
		return nil
	}
	for unit, days := range map[string]int{"d": 1, "w": 7, "y": 365} {
		if n, err := strconv.Atoi(strings.TrimSuffix(text, unit)); err == nil && n > 0 && n < 10000 && strings.HasSuffix(text, unit) {
			p.Duration = time.Duration(n*days) * 24 * time.Hour
			return nil
		}
	}
	return fmt.Errorf("%q is no length of time: write 36h, 30d, 2w or 1y", text)
}

// String implements pflag.Value.
func (p *period) String() string {
	if p == nil || p.Duration == 0 {
		return ""
	}
	return p.Duration.String()
}

// Type implements pflag.Value.
func (*period) Type() string { return "duration" }

// size is a flag of bytes: 1048576, 50M, 50MiB.
type size int64

// Set implements pflag.Value.
func (s *size) Set(text string) error {
	digits := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(text), "B"), "I")
	shift := 0
	if i := strings.IndexAny("KMGT", digits[max(0, len(digits)-1):]); len(digits) > 0 && i >= 0 {
		digits, shift = digits[:len(digits)-1], 10*(i+1)
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > 1<<62>>shift {
		return fmt.Errorf("%q is no size: write 1048576, 50M or 50MiB", text)
	}
	*s = size(n << shift)
	return nil
}

// String implements pflag.Value.
func (s *size) String() string {
	if s == nil || *s == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*s), 10)
}

// Type implements pflag.Value.
func (*size) Type() string { return "bytes" }

// again is a command line as it was given, to be typed once more. Flags that
// with names replace those that were given; "" leaves one out.
func again(cmd *cobra.Command, with map[string]string) string {
	words := []string{cmd.CommandPath()}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		value, replaced := with[f.Name]
		switch {
		case replaced && value != "":
			words = append(words, "--"+f.Name, quoted(value))
		case replaced || !f.Changed:
		case f.Value.Type() == "bool":
			words = append(words, "--"+f.Name+"="+f.Value.String())
		default:
			words = append(words, "--"+f.Name, quoted(strings.Trim(f.Value.String(), "[]")))
		}
	})
	return strings.Join(words, " ")
}

// quoted is a word as a shell takes it.
func quoted(text string) string {
	plain := func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-", r)
	}
	if text != "" && strings.IndexFunc(text, plain) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
