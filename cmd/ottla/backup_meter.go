package main

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"

	"github.com/ottla-io/ottla/cmd/ottla/show"
)

// meter shows how far something is, with rate and time left, where a person
// looks. It is safe for concurrent use; nil shows nothing.
type meter struct {
	mu    sync.Mutex
	bar   *progressbar.ProgressBar
	total int64
	what  string
}

// meter begins one on standard error: what is printed stays clean.
func (a *app) meter(what string, bytes bool) *meter {
	file, ok := a.err.(*os.File)
	if !ok || show.Format(a.format) != show.Text || os.Getenv("TERM") == "dumb" || !isatty.IsTerminal(file.Fd()) {
		return nil
	}
	return newMeter(file, what, bytes, 100*time.Millisecond)
}

// newMeter draws at most once every so often.
func newMeter(w io.Writer, what string, bytes bool, every time.Duration) *meter {
	options := []progressbar.Option{
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what), progressbar.OptionThrottle(every),
		progressbar.OptionShowBytes(bytes), progressbar.OptionUseIECUnits(true), progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish(),
	}
	if !bytes {
		options = append(options, progressbar.OptionShowIts())
	}
	return &meter{bar: progressbar.NewOptions64(-1, options...), total: -1, what: what}
}

// at says how far it is; a total of 0 is not known.
func (m *meter) at(done, total int64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if total <= 0 {
		total = -1
	}
	if total != m.total {
		m.total = total
		m.bar.ChangeMax64(total)
	}
	if total > 0 {
		done = min(done, total-1) // a bar that is full ends, and we end it ourselves
	}
	_ = m.bar.Set64(done) // a bar that cannot be drawn is no reason to stop
}

// now says what it is about.
func (m *meter) now(what string) {
	if m == nil || what == "" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if what != m.what {
		m.what = what
		m.bar.Describe(what)
	}
}

// end takes it off the screen.
func (m *meter) end() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_ = m.bar.Clear()
}
