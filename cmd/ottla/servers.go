package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/ottla-io/ottla/agent"
	"github.com/ottla-io/ottla/sources"
)

// serving is a handler on an address.
type serving struct {
	address string
	tls     *agent.TLSServer
	handler http.Handler
}

// key tells listeners apart that cannot be one.
func (s serving) key() string { return fmt.Sprintf("%s tls=%t", s.address, s.tls != nil) }

// servers are the HTTP listeners. They stay open over a change of the
// configuration; only what answers behind them changes.
type servers struct {
	open map[string]*server
	log  *zap.Logger
}

type server struct {
	http    *http.Server
	handler atomic.Pointer[http.Handler]
	tls     atomic.Pointer[agent.TLSServer]
}

func newServers(log *zap.Logger) *servers { return &servers{open: map[string]*server{}, log: log} }

const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 2 * time.Minute // a CPU profile takes 30 s by default
	idleTimeout   = 2 * time.Minute
	maxHeader     = 32 << 10
)

// listen opens what is not open yet. Until use, nothing answers there.
func (s *servers) listen(ctx context.Context, all []serving) error {
	for _, one := range all {
		if s.open[one.key()] != nil {
			continue
		}
		opened, err := listen(ctx, one, zap.NewStdLog(s.log))
		if err != nil {
			return &sources.HintError{Err: fmt.Errorf("listen on %s: %w", one.address, err), Hint: "choose another address: http.listen or webhooks.listen"}
		}
		s.open[one.key()] = opened
	}
	return nil
}

func listen(ctx context.Context, one serving, complaints *log.Logger) (*server, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", one.address)
	if err != nil {
		return nil, err
	}
	out := &server{}
	out.take(one)
	out.http = &http.Server{
		Handler: http.HandlerFunc(out.answer), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: complaints,
	}
	if one.tls != nil {
		listener = tls.NewListener(listener, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: out.certificate, NextProtos: []string{"h2", "http/1.1"}})
	}
	go func() { _ = out.http.Serve(listener) }() // it ends by Close
	return out, nil
}

func (s *server) take(one serving) {
	s.handler.Store(&one.handler)
	s.tls.Store(one.tls)
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) { (*s.handler.Load()).ServeHTTP(w, r) }

// certificate reads the files at each handshake, so that a renewed one is used
// at once.
func (s *server) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	files := s.tls.Load()
	certificate, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile)
	if err != nil {
		return nil, errors.New("the certificate cannot be read")
	}
	return &certificate, nil
}

// use puts handlers behind their listeners, and closes the others.
func (s *servers) use(all []serving) {
	wanted := map[string]bool{}
	for _, one := range all {
		wanted[one.key()] = true
		s.open[one.key()].take(one)
	}
	for key, one := range s.open {
		if !wanted[key] {
			_ = one.http.Close()
			delete(s.open, key)
		}
	}
}

// Close closes all.
func (s *servers) Close() { s.use(nil) }
