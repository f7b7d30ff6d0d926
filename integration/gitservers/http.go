package gitservers

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// HTTPOptions say how repositories are served.
type HTTPOptions struct {
	Root           string // the directory that holds the bare repositories
	User, Password string // "" is no authentication
	TLS            bool   // with a certificate for 127.0.0.1 from an authority of its own
	ClientCert     bool   // and ask for a client certificate of that authority
	Extra          string // nginx directives in the location, for example a limit
}

// HTTPServer is a running server.
type HTTPServer struct {
	Base              string // https://127.0.0.1:PORT
	CAFile            string // with TLS
	CertFile, KeyFile string // a client's, with TLS
	AccessLog         string // one line a request: status and request
}

// URL is a repository's address, without user information.
func (s *HTTPServer) URL(name string) string { return s.Base + "/" + name }

// WithUser is a repository's address with a user name in it.
func (s *HTTPServer) WithUser(name, user string) string {
	return strings.Replace(s.URL(name), "://", "://"+url.User(user).String()+"@", 1)
}

// HTTP serves bare repositories by git http-backend behind nginx and fcgiwrap
// until the test ends.
func HTTP(t testing.TB, o HTTPOptions) *HTTPServer {
	t.Helper()
	found := Require(t, "nginx", "fcgiwrap", "git-http-backend", "openssl")
	nginx, fcgiwrap, backend := found[0], found[1], found[2]
	dir := shortDir(t)
	socket := filepath.Join(dir, "fcgi")
	start(t, exec.Command(fcgiwrap, "-s", "unix:"+socket)).await(t, "unix", socket)

	address := freeAddress(t)
	s := &HTTPServer{Base: "http://" + address, AccessLog: filepath.Join(dir, "access")}
	listen := "listen " + address + ";"
	if o.TLS {
		s.Base = "https://" + address
		listen = s.tls(t, dir, address, o.ClientCert)
	}
	conf := fmt.Sprintf(nginxConf, dir, dir, dir, dir, dir, dir, s.AccessLog, listen, basicAuth(t, dir, o), o.Extra, backend, o.Root, socket)
	file := write(t, filepath.Join(dir, "nginx.conf"), conf, 0o600)
	p := start(t, exec.Command(nginx, "-e", filepath.Join(dir, "error"), "-p", dir, "-c", file))
	p.await(t, "tcp", address)
	return s
}

// shortDir is a directory whose path is short enough for a socket.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "git")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// nginxConf runs in the foreground, as one process and without a need for
// root.
const nginxConf = `daemon off; master_process off; pid %s/pid; worker_processes 1;
events { worker_connections 64; }
http {
  client_body_temp_path %s/body; proxy_temp_path %s/proxy; fastcgi_temp_path %s/fcgitmp;
  uwsgi_temp_path %s/uwsgi; scgi_temp_path %s/scgi;
  log_format short '$status $request'; access_log %s short;
  client_max_body_size 0;
  server {
    %s
    location / {
      %s
      %s
      gzip off; fastcgi_buffering off;
      fastcgi_param SCRIPT_FILENAME %s;
      fastcgi_param GIT_PROJECT_ROOT %s;
      fastcgi_param GIT_HTTP_EXPORT_ALL 1;
      fastcgi_param GIT_CONFIG_COUNT 1;
      fastcgi_param GIT_CONFIG_KEY_0 safe.directory;
      fastcgi_param GIT_CONFIG_VALUE_0 "*";
      fastcgi_param GIT_PROTOCOL $http_git_protocol;
      fastcgi_param PATH_INFO $uri;
      fastcgi_param REMOTE_USER $remote_user;
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding;
      fastcgi_pass unix:%s;
    }
  }
}
`

func basicAuth(t testing.TB, dir string, o HTTPOptions) string {
	t.Helper()
	if o.User == "" {
		return ""
	}
	hash, err := exec.Command("openssl", "passwd", "-apr1", o.Password).Output()
	if err != nil {
		t.Fatalf("hash the password: %v", err)
	}
	file := write(t, filepath.Join(dir, "users"), o.User+":"+string(hash), 0o644)
	return `auth_basic "git"; auth_basic_user_file ` + file + ";"
}
