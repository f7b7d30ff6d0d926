package repository

import (
	"errors"
	"testing"

	"filippo.io/age"
)

func TestPointsStandOnEachOther(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"plain":     {},
		"encrypted": {Recipients: []age.Recipient{identity.Recipient()}, Identities: []age.Identity{identity}, Key: signer(t)},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, o)
			if _, err := f.Newest(t.Context()); !errors.Is(err, ErrNoPoint) {
				t.Fatalf("an empty repository has a point: %v", err)
			}
			one := f.commit(manifest(0, pack(f.pack(stretch{0, 0, 10}, stretch{0, 10, 20}, stretch{1, 5, 9})), span(0, 0, 0, 20), span(1, 5, 5, 9)))
			two := f.commit(manifest(one.Number, pack(f.pack(stretch{0, 18, 30})), span(0, 5, 20, 30), span(1, 5, 9, 9)))
			if got := f.content(two, 0); got != "[5,10)[10,20)[20,30)" {
				t.Errorf("got %s", got)
			}
			read, err := f.Newest(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := f.content(read, 0) + f.content(read, 1); read.Number != 2 || got != "[5,10)[10,20)[20,30)[5,9)" {
				t.Errorf("got %s of point %d", got, read.Number)
			}
			entries, err := f.Points(t.Context())
			if err != nil || len(entries) != 2 || entries[1].Bad != "" || entries[0].Size == 0 || entries[0].Written.IsZero() {
				t.Errorf("got %+v, %v", entries, err)
			}
		})
	}
}
