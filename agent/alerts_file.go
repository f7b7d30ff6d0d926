package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"go.uber.org/zap"

	"github.com/ottla-io/ottla/agent/journal"
)

// alertsVersion is the file's format. A newer one is not read.
const alertsVersion = 1

type alertsFile struct {
	Version int      `json:"version"`
	Alerts  []*alert `json:"alerts"`
}

func (a *Alerts) load() error {
	if a.o.File == "" {
		return nil
	}
	data, err := os.ReadFile(a.o.File)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var f alertsFile
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	if f.Version != alertsVersion {
		return fmt.Errorf("it is of format %d, and this one reads %d", f.Version, alertsVersion)
	}
	for _, al := range f.Alerts {
		a.remember(al)
	}
	return nil
}

// remember takes an alert over for the notifiers there are now. A new one
// learns of it with the next reminder.
func (a *Alerts) remember(al *alert) {
	if al == nil || al.Incident.Key == "" {
		return
	}
	by := map[string]*heard{}
	for name := range a.wakes {
		by[name] = &heard{}
		if h := al.By[name]; h != nil {
			by[name] = h
		}
	}
	al.By = by
	a.seq = max(a.seq, al.Seq)
	a.open[al.Incident.Key] = al
	a.forget(al)
}

// save writes the file in place of the old one. A failure is logged: incidents
// that go on are raised again by the next round after a restart.
func (a *Alerts) save() {
	if a.o.File == "" {
		return
	}
	a.mu.Lock()
	f := alertsFile{Version: alertsVersion, Alerts: make([]*alert, 0, len(a.open))}
	for _, al := range a.open {
		f.Alerts = append(f.Alerts, al)
	}
	data, err := json.Marshal(f)
	a.mu.Unlock()
	if err == nil {
		err = journal.Replace(a.o.File, data)
	}
	if err != nil {
		a.o.Log.Error("open incidents could not be written", zap.String("file", a.o.File), zap.Error(err))
	}
}
