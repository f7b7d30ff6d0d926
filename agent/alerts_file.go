package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

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
	return a.decode(data, func(al *alert) bool { return a.o.Shelves[al.Incident.Cluster] == nil })
}

// decode remembers the alerts of a file, or of a shelf, that belong there.
func (a *Alerts) decode(data []byte, here func(*alert) bool) error {
	var f alertsFile
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	if f.Version != alertsVersion {
		return fmt.Errorf("it is of format %d, and this one reads %d", f.Version, alertsVersion)
	}
	for _, al := range f.Alerts {
		if al != nil && here(al) {
			a.remember(al)
		}
	}
	return nil
}

// remember takes an alert over for the notifiers there are now. A new one
// learns of it with the next reminder.
func (a *Alerts) remember(al *alert) {
	if al.Incident.Key == "" {
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

// ours tells whether incidents of a cluster are this agent's to tell.
func (a *Alerts) ours(cluster string) bool {
	_, taken := a.taken[cluster]
	return taken || a.o.Shelves[cluster] == nil
}

// Take goes on with the incidents of a cluster where the agent that led it left
// them.
func (a *Alerts) Take(cluster string) {
	shelf := a.o.Shelves[cluster]
	if shelf == nil {
		return
	}
	data := shelf.Load()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.taken[cluster] = data
	if data == nil {
		return
	}
	if err := a.decode(data, func(al *alert) bool { return al.Incident.Cluster == cluster }); err != nil {
		a.o.Log.Error("open incidents could not be read: what goes on is told again", zap.String("cluster", cluster), zap.Error(err))
	}
	a.changed()
}

// Leave says no more of a cluster: another agent goes on with its incidents.
func (a *Alerts) Leave(cluster string) {
	shelf := a.o.Shelves[cluster]
	if shelf == nil {
		return
	}
	_ = a.shelve(cluster, shelf) // where the lead was lost, the last that was kept counts
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.taken, cluster)
	maps.DeleteFunc(a.open, func(_ string, al *alert) bool { return al.Incident.Cluster == cluster })
	a.changed()
}

// save writes the file in place of the old one, and what changed to the shelves.
// A failure is logged: incidents that go on are raised again by the next round
// after a restart.
func (a *Alerts) save() {
	a.saveShelves()
	if a.o.File == "" {
		return
	}
	data, err := a.encode(func(al *alert) bool { return a.o.Shelves[al.Incident.Cluster] == nil })
	if err == nil {
		err = journal.Replace(a.o.File, data)
	}
	if err != nil {
		a.o.Log.Error("open incidents could not be written", zap.String("file", a.o.File), zap.Error(err))
	}
}

func (a *Alerts) encode(here func(*alert) bool) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := alertsFile{Version: alertsVersion, Alerts: make([]*alert, 0, len(a.open))}
	for _, al := range a.open {
		if here(al) {
			f.Alerts = append(f.Alerts, al)
		}
	}
	slices.SortFunc(f.Alerts, func(x, y *alert) int { return x.Seq - y.Seq })
	return json.Marshal(f)
}

func (a *Alerts) saveShelves() {
	for cluster, shelf := range a.o.Shelves {
		if err := a.shelve(cluster, shelf); err != nil {
			a.o.Log.Warn("open incidents could not be kept for the next leader", zap.String("cluster", cluster), zap.Error(err))
		}
	}
}

// shelve keeps the incidents of a cluster that we lead, where they changed.
func (a *Alerts) shelve(cluster string, shelf Shelf) error {
	data, err := a.encode(func(al *alert) bool { return al.Incident.Cluster == cluster })
	if err != nil {
		return err
	}
	a.mu.Lock()
	known, taken := a.taken[cluster]
	a.mu.Unlock()
	if !taken || bytes.Equal(data, known) {
		return nil
	}
	if err := shelf.Save(data); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, still := a.taken[cluster]; still {
		a.taken[cluster] = data
	}
	return nil
}
