// Package nats publishes samples to NATS, a message each: to JetStream, whose acknowledgements tell what is durable, or to core NATS if asked.
package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"walkabout/exporters"
	"walkabout/exporters/lines"
	"walkabout/internal/clienttls"
	"walkabout/internal/secret"
	"walkabout/metric"
)

// DefaultSubject is the subject of messages unless Config says otherwise.
const DefaultSubject = "snmp.{measurement}.{device}"

// Config says which servers and subjects, and how to write. Zero fields take the default that each names.
type Config struct {
	Servers []string // such as nats://127.0.0.1:4222; tls:// for TLS
	// Subject is a template: {measurement}, {device} or another tag's name in braces stand for that of the sample. DefaultSubject if empty.
	Subject  string
	Format   lines.Format // lines.JSON
	Unsigned bool         // lineprotocol.Encoder's
	// Core publishes to core NATS: what no subscriber takes at that moment is gone, and nobody hears of it.
	Core bool

	User      string        // with Password
	Password  secret.String // with User
	Token     secret.String // in their place
	CredsFile string        // or a file with a JWT and the seed of its key
	NKeyFile  string        // or one with the seed of an nkey

	TLS     clienttls.Config
	Timeout time.Duration // of connecting, and of all acknowledgements of a batch; 10 s
}

// Exporter publishes messages. Make one with New.
type Exporter struct {
	config  Config
	subject subject
	batch   lines.Batch
	options []nats.Option

	conn       *nats.Conn // nil until it is needed, and after a failure
	stream     jetstream.JetStream
	complaints chan error // of conn: the first thing that the server said of its own accord, that a subject is forbidden, say, which no acknowledgement tells
}

// New checks c, and reads the files that it names; it sends nothing. The error is a *exporters.ConfigError.
func New(c Config) (*Exporter, error) {
	c.Timeout = cmp.Or(max(c.Timeout, 0), 10*time.Second)
	e := &Exporter{config: c}
	err := c.check()
	if err == nil {
		e.subject, err = parseSubject(cmp.Or(c.Subject, DefaultSubject))
	}
	if err == nil {
		e.batch.Encoder, err = lines.New(cmp.Or(c.Format, lines.JSON), c.Unsigned)
	}
	if err == nil {
		e.options, err = e.dialOptions()
	}
	if err != nil {
		return nil, &exporters.ConfigError{Err: fmt.Errorf("nats output: %w", err)}
	}
	return e, nil
}

// Export publishes a message for each sample. With JetStream it waits until a stream has acknowledged each; their ids tell the stream what it has
// already. Samples without a line, and those that are too large for the server or the stream, are rejected.
func (e *Exporter) Export(ctx context.Context, batch []metric.Sample) error {
	ctx, cancel := context.WithTimeout(ctx, e.config.Timeout)
	defer cancel()
	e.batch.Encode(batch)
	rejects := exporters.Rejects{Samples: e.batch.Skipped, Err: e.batch.Err}
	if e.batch.Len() > 0 {
		if err := e.deliver(ctx, batch, &rejects); err != nil {
			e.hangUp()                                      // so that nothing of this batch is under way when it comes again
			e.batch = lines.Batch{Encoder: e.batch.Encoder} // something may still look at the lines
			return e.classify(ctx, err)
		}
	}
	return rejects.Partial()
}

func (e *Exporter) deliver(ctx context.Context, batch []metric.Sample, rejects *exporters.Rejects) error {
	if err := e.connect(ctx); err != nil {
		return err
	}
	if e.config.Core {
		return e.publishCore(ctx, batch, rejects)
	}
	return e.publish(ctx, batch, rejects)
}

// connect makes e.conn and e.stream if there is no connection. The library's own reconnecting is off: a batch that was under way comes again anyway.
func (e *Exporter) connect(ctx context.Context) error {
	if e.conn != nil && e.conn.IsConnected() {
		return nil
	}
	e.hangUp()
	e.complaints = make(chan error, 1)
	o := nats.GetDefaultOptions()
	o.Servers, o.AllowReconnect, o.Timeout = e.config.Servers, false, e.config.Timeout
	o.AsyncErrorCB = complain(e.complaints)
	o.ClosedCB = ended(e.complaints)
	if deadline, ok := ctx.Deadline(); ok {
		o.Timeout = time.Until(deadline)
	}
	for _, option := range e.options {
		if err := option(&o); err != nil {
			return &exporters.ConfigError{Err: fmt.Errorf("nats output: %w", err)}
		}
	}
	conn, err := o.Connect()
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Join(e.config.Servers, ", "), err) // which the library does not say
	}
	e.conn = conn
	if e.config.Core {
		return nil
	}
	e.stream, err = jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(1<<20), jetstream.WithPublishAsyncTimeout(e.config.Timeout))
	return err
}

func (e *Exporter) hangUp() {
	if e.conn != nil {
		e.conn.Close()
	}
	e.conn, e.stream = nil, nil
}

// publish publishes all lines, and waits for their acknowledgements.
func (e *Exporter) publish(ctx context.Context, batch []metric.Sample, rejects *exporters.Rejects) error {
	acks := make([]jetstream.PubAckFuture, e.batch.Len())
	for line := range acks {
		s := &batch[e.batch.Sample(line)]
		m := &nats.Msg{Subject: e.subject.of(s), Data: e.text(line), Header: nats.Header{jetstream.MsgIDHeader: {messageID(s)}}}
		var err error
		// A stream's leader may just be changing: then nobody answers for a moment.
		acks[line], err = e.stream.PublishMsgAsync(m, jetstream.WithRetryAttempts(2))
		switch {
		case errors.Is(err, nats.ErrMaxPayload):
			rejects.Add(e.batch.Sample(line), fmt.Errorf("nats output: %w", err))
		case err != nil:
			return err
		}
	}
	for line, ack := range acks {
		if ack == nil {
			continue
		}
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			if !tooLarge(err) {
				return fmt.Errorf("%s: %w", ack.Msg().Subject, err)
			}
			rejects.Add(e.batch.Sample(line), fmt.Errorf("nats output: %w", err))
		case err := <-e.complaints:
			return err
		case <-ctx.Done():
			return fmt.Errorf("no acknowledgement: %w", ctx.Err())
		}
	}
	return nil
}

// publishCore publishes all lines, and waits until the server has them.
func (e *Exporter) publishCore(ctx context.Context, batch []metric.Sample, rejects *exporters.Rejects) error {
	for line := range e.batch.Len() {
		i := e.batch.Sample(line)
		err := e.conn.Publish(e.subject.of(&batch[i]), e.text(line))
		switch {
		case errors.Is(err, nats.ErrMaxPayload):
			rejects.Add(i, fmt.Errorf("nats output: %w", err))
		case err != nil:
			return err
		}
	}
	if err := e.conn.FlushWithContext(ctx); err != nil {
		return err
	}
	if err := e.conn.LastError(); errors.Is(err, nats.ErrPermissionViolation) {
		return err
	}
	return nil
}

// text returns a line without its end. It is valid until the next Export; nothing is under way by then.
func (e *Exporter) text(line int) []byte {
	l := e.batch.Lines(line, line+1)
	return l[:len(l)-1]
}

// Subjects returns what a stream must listen to for all messages.
func (e *Exporter) Subjects() string { return e.subject.wildcard() }

// Omitted counts what the encoder left out.
func (e *Exporter) Omitted() map[string]uint64 { return e.batch.Encoder.Omitted() }

// Close ends the connection.
func (e *Exporter) Close() error {
	e.hangUp()
	return nil
}
