package dns

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// maxAnswer bounds the octets of a server's answer: some 100,000 zones in JSON.
const maxAnswer = 64 << 20

// ErrTooLong is wrapped where a server says more than maxAnswer.
var ErrTooLong = errors.New("the server's answer is too long")

// control is a channel by which a server is controlled: a connection for each order.
type control struct {
	network, address string
	tls              *tls.Config // nil on a unix socket, and where the server wants none
	connect          func(ctx context.Context, network, address string) (net.Conn, error)
}

// newControl returns that of an address: the path of a unix socket, with or without unix: in front, or HOST:PORT.
func newControl(address string, c Certificates) (*control, error) {
	if path := strings.TrimPrefix(address, "unix:"); strings.HasPrefix(path, "/") {
		return &control{network: "unix", address: path, connect: new(net.Dialer).DialContext}, nil
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("%s: write the path of a unix socket or HOST:PORT: %w", address, err)
	}
	out := &control{network: "tcp", address: address, connect: new(net.Dialer).DialContext}
	if c == (Certificates{}) {
		return out, nil
	}
	var err error
	out.tls, err = c.config()
	return out, err
}

// Certificates are files in PEM that a control channel by TLS takes: unbound-control-setup and nsd-control-setup make them.
type Certificates struct {
	CA        string // the server's certificate, or of who signed it
	Cert, Key string // the client's
}

// config returns one that trusts who the files name, whatever name the server has: that of a control channel is the server's kind.
func (c Certificates) config() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("the certificate of the control channel: %w", err)
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate in PEM", c.CA)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair},
		InsecureSkipVerify: true, // of the name alone: VerifyConnection looks at the rest
		VerifyConnection: func(s tls.ConnectionState) error {
			between := x509.NewCertPool()
			for _, cert := range s.PeerCertificates[1:] {
				between.AddCert(cert)
			}
			_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: pool, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
			return err
		},
	}, nil
}

// dial connects. The connection ends with ctx.
func (c *control) dial(ctx context.Context) (net.Conn, func(), error) {
	conn, err := c.connect(ctx, c.network, c.address)
	if err != nil {
		return nil, nil, ended(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	end := func() { stop(); conn.Close() }
	if c.tls == nil {
		return conn, end, nil
	}
	secure := tls.Client(conn, c.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		end()
		return nil, nil, fmt.Errorf("TLS: %w", ended(ctx, err))
	}
	return secure, end, nil
}

// order sends an order and returns all that the server says before it closes the connection.
func (c *control) order(ctx context.Context, order string) (string, error) {
	conn, end, err := c.dial(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	if _, err := io.WriteString(conn, order); err != nil {
		return "", ended(ctx, err)
	}
	b, err := readAll(conn)
	if err != nil {
		return "", ended(ctx, err)
	}
	return string(b), nil
}

// readAll reads up to maxAnswer.
func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err == nil && len(b) > maxAnswer {
		err = fmt.Errorf("%w: more than %d octets", ErrTooLong, maxAnswer)
	}
	return b, err
}

// ended returns the cause where err came of the end of ctx.
func ended(ctx context.Context, err error) error {
	if d, ok := ctx.Deadline(); ok && !time.Now().Before(d) {
		<-ctx.Done() // a dialer has a timer of its own, which may be earlier by a moment
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
