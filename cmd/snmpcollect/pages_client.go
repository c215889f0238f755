package main

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/internal/secret"
)

// pagesAsker is how a command asks the pages of a collector that runs.
type pagesAsker struct {
	p        process
	path     *string // the configuration
	user, ca *string
}

// What a command is told in the environment, so that it stands in no list of processes.
const (
	envToken    = "SNMPCOLLECT_TOKEN"
	envPassword = "SNMPCOLLECT_PASSWORD"
)

// howToAsk is what to do where nobody is let in without a password.
const howToAsk = "say who you are: --user NAME, or a token in " + envToken

// pagesAsker adds the flags that say who asks.
func (p process) pagesAsker(f *pflag.FlagSet, path *string) *pagesAsker {
	return &pagesAsker{p, path,
		f.String("user", "", "ask as this `NAME` of pages: users:, with the password in "+envPassword+" or asked for; else with the token in "+envToken+", or api_token of the file"),
		f.String("ca", "", "trust certificates of this `FILE` of PEM, instead of the system's (that of the file's own collector is trusted in any case)")}
}

// client returns the URL of the collector, which is address (HOST:PORT, or a URL) or else that of the file, and who speaks with it.
func (a *pagesAsker) client(address string) (base string, c *http.Client, err error) {
	cfg := a.p.forTools(*a.path)
	pool, own := (*x509.CertPool)(nil), ""
	switch {
	case address == "":
		if base, err = pagesURL(cmp.Or(cfg.Listen, config.DefaultListen), cfg.Pages.Certificate != ""); err != nil {
			return "", nil, err
		}
		own = cfg.Pages.Certificate
	case strings.Contains(address, "://"):
		base = strings.TrimSuffix(address, "/")
	default:
		base = "http://" + address
	}
	at, err := url.Parse(base)
	if err != nil {
		return "", nil, err
	}
	if *a.ca != "" {
		data, err := os.ReadFile(*a.ca)
		if err != nil {
			return "", nil, err
		}
		if pool = x509.NewCertPool(); !pool.AppendCertsFromPEM(data) {
			return "", nil, fmt.Errorf("%s holds no certificate in PEM", *a.ca)
		}
	}
	authorization, err := a.authorization(cfg.APIToken)
	if err != nil {
		return "", nil, err
	}
	if !authorization.IsZero() && at.Scheme != "https" && !config.LoopbackHost(at.Hostname()) {
		return "", nil, fmt.Errorf("%s: a password or token would be sent in the clear; use https://", base)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
	if own != "" {
		if err := pin(transport.TLSClientConfig, own); err != nil {
			return "", nil, err
		}
	}
	return base, &http.Client{Timeout: 30 * time.Second, Transport: authorized{transport, at.Host, authorization}}, nil
}

// authorization returns the value of the header that says who asks; none if there is nothing to say.
func (a *pagesAsker) authorization(token secret.String) (secret.String, error) {
	if *a.user == "" {
		if text := a.p.getenv(envToken); text != "" {
			token = secret.New(text)
		}
		if token.IsZero() {
			return secret.String{}, nil
		}
		return secret.New("Bearer " + token.Reveal()), nil
	}
	password := a.p.getenv(envPassword)
	if password == "" {
		if !term.IsTerminal(int(os.Stdin.Fd())) {
			return secret.String{}, fmt.Errorf("--user: there is no terminal to ask for the password; put it into %s", envPassword)
		}
		fmt.Fprint(a.p.stderr, "Password: ")
		typed, err := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(a.p.stderr)
		if err != nil {
			return secret.String{}, err
		}
		password = string(typed)
	}
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(*a.user, password)
	return secret.New(r.Header.Get("Authorization")), nil
}

// authorized says who asks, to the one host that it is for.
type authorized struct {
	next          http.RoundTripper
	host          string
	authorization secret.String
}

// RoundTrip implements http.RoundTripper.
func (a authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	if !a.authorization.IsZero() && r.URL.Host == a.host {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", a.authorization.Reveal())
	}
	return a.next.RoundTrip(r)
}

// CloseIdleConnections is what http.Client has it do.
func (a authorized) CloseIdleConnections() {
	if t, ok := a.next.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

// pin has c trust the certificate in file and no other, whatever name it is for: it is that of the collector on this machine.
func pin(c *tls.Config, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return fmt.Errorf("%s holds no certificate in PEM", file)
	}
	c.InsecureSkipVerify = true // VerifyConnection does more
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 || !bytes.Equal(s.PeerCertificates[0].Raw, block.Bytes) {
			return errors.New("what answers has another certificate than the file names: is it this collector?")
		}
		return nil
	}
	return nil
}

// pagesURL returns where the pages of a listen address are had.
func pagesURL(listen string, tls bool) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if tls {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port), nil
}
