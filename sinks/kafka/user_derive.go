package kafka

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"runtime"
	"sync"

	"github.com/ottla-io/ottla/reconcile"
)

// derive computes salted passwords (RFC 5802, section 3) on all processors: at
// 8,192 iterations one takes some milliseconds.
func derive(changes []scramChange, failed []reconcile.Outcome) ([]scramChange, []reconcile.Outcome) {
	errs := make([]error, len(changes))
	next := make(chan int, len(changes))
	for i := range changes {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				errs[i] = changes[i].derive()
			}
		})
	}
	wg.Wait()
	var ready []scramChange
	for i, err := range errs {
		if err != nil {
			failed = append(failed, failure(changes[i].id, err.Error()))
			continue
		}
		ready = append(ready, changes[i])
	}
	return ready, failed
}

func (c *scramChange) derive() (err error) {
	if c.remove {
		return nil
	}
	c.salt = make([]byte, 32)
	_, _ = rand.Read(c.salt) // never fails, by its documentation
	if c.code == 1 {
		c.salted, err = pbkdf2.Key(sha256.New, c.password, c.salt, c.iterations, sha256.Size)
	} else {
		c.salted, err = pbkdf2.Key(sha512.New, c.password, c.salt, c.iterations, sha512.Size)
	}
	if err != nil {
		return fmt.Errorf("derive the salted password: %w", err)
	}
	return nil
}
