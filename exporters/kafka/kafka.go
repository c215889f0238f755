// Package kafka produces samples to a topic of Kafka, or of what speaks its protocol: a record each, with the device as its key.
//
// The producer is idempotent and waits for all in-sync replicas. A device's records are in one partition, in the order in which they were polled.
package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"walkabout/exporters"
	"walkabout/exporters/lines"
	"walkabout/internal/clienttls"
	"walkabout/internal/secret"
	"walkabout/metric"
)

// The ways of SASL that there are.
const (
	Plain       = "PLAIN"
	ScramSHA256 = "SCRAM-SHA-256"
	ScramSHA512 = "SCRAM-SHA-512"
)

// Config says which brokers and topic, and how to write. Zero fields take the default that each names.
type Config struct {
	Brokers     []string // HOST:PORT of some; the others are learned from them
	Topic       string
	Format      lines.Format // of the values; lines.JSON
	Unsigned    bool         // lineprotocol.Encoder's
	Compression string       // none, gzip, snappy, lz4 or zstd; snappy
	SASL        string       // Plain, ScramSHA256 or ScramSHA512; none if empty
	User        string
	Password    secret.String
	TLS         *clienttls.Config // nil: no TLS
	Timeout     time.Duration     // of a batch; 30 s
}

// Exporter produces records. Make one with New.
type Exporter struct {
	config  Config
	batch   lines.Batch
	options []kgo.Opt
	client  *kgo.Client // nil until it is needed, and after a failure
}

// New checks c; it sends nothing. The error is a *exporters.ConfigError.
func New(c Config) (*Exporter, error) {
	c.Timeout = cmp.Or(max(c.Timeout, 0), 30*time.Second)
	e := &Exporter{config: c}
	err := c.check()
	if err == nil {
		e.batch.Encoder, err = lines.New(cmp.Or(c.Format, lines.JSON), c.Unsigned)
	}
	if err == nil {
		e.options, err = c.options()
	}
	if err != nil {
		return nil, &exporters.ConfigError{Err: fmt.Errorf("kafka output: %w", err)}
	}
	return e, nil
}

func (c Config) check() error {
	switch {
	case len(c.Brokers) == 0:
		return errors.New("brokers are missing; give one, such as 127.0.0.1:9092")
	case c.Topic == "":
		return errors.New("topic is missing")
	case strings.Trim(c.Topic, topicOctets) != "" || len(c.Topic) > 249 || c.Topic == "." || c.Topic == "..":
		return fmt.Errorf("topic %q: a topic has up to 249 letters, digits, dots, _ and -", c.Topic)
	case c.SASL == "" && (c.User != "" || !c.Password.IsZero()):
		return fmt.Errorf("user and password need sasl: %s, %s or %s", Plain, ScramSHA256, ScramSHA512)
	case c.SASL != "" && (c.User == "" || c.Password.IsZero()):
		return errors.New("sasl needs user and password")
	}
	for _, b := range c.Brokers {
		switch host, port, err := net.SplitHostPort(b); {
		case err != nil || host == "" || port == "":
			return fmt.Errorf("broker %q is not of the form HOST:PORT", b)
		case !exporters.ValidPort(port):
			return fmt.Errorf("broker %q: %w", b, exporters.ErrPort)
		}
	}
	return nil
}

const topicOctets = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

func (c Config) options() ([]kgo.Opt, error) {
	codec, ok := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}[cmp.Or(c.Compression, "snappy")]
	if !ok {
		return nil, fmt.Errorf("compression %q: write none, gzip, snappy, lz4 or zstd", c.Compression)
	}
	// A timeout of records would count from their timestamps, which are the polls': Export's context has it.
	// Idempotent, with acknowledgements of all in-sync replicas and partitions by key, is what the library does unless told otherwise.
	options := []kgo.Opt{kgo.ClientID("walkabout"), kgo.SeedBrokers(c.Brokers...), kgo.DefaultProduceTopic(c.Topic), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(0), kgo.DialTimeout(c.Timeout / 3), kgo.RetryTimeout(c.Timeout / 3),
		kgo.ProduceRequestTimeout(c.Timeout / 3), kgo.UnknownTopicRetries(1), kgo.MaxBufferedRecords(1 << 20)}
	switch c.SASL {
	case "":
	case Plain:
		options = append(options, kgo.SASL(plain.Auth{User: c.User, Pass: c.Password.Reveal()}.AsMechanism()))
	case ScramSHA256, ScramSHA512:
		auth := scram.Auth{User: c.User, Pass: c.Password.Reveal()}
		mechanism := map[string]sasl.Mechanism{ScramSHA256: auth.AsSha256Mechanism(), ScramSHA512: auth.AsSha512Mechanism()}[c.SASL]
		options = append(options, kgo.SASL(mechanism))
	default:
		return nil, fmt.Errorf("sasl %q: write %s, %s or %s", c.SASL, Plain, ScramSHA256, ScramSHA512)
	}
	if c.TLS != nil {
		t, err := c.TLS.TLS()
		if err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		options = append(options, kgo.DialTLSConfig(t))
	}
	return options, nil
}

// Export produces a record for each sample, and waits until all in-sync replicas have each. Samples without a line, and those that the topic
// will never take, are rejected.
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

// connect makes the client if there is none, and learns why no broker can be reached or wants us, which records that wait would not tell.
func (e *Exporter) connect(ctx context.Context) error {
	if e.client != nil {
		return nil
	}
	client, err := kgo.NewClient(e.options...)
	if err != nil {
		return &exporters.ConfigError{Err: fmt.Errorf("kafka output: %w", err)}
	}
	e.client = client
	if err := client.Ping(ctx); err != nil {
		return fmt.Errorf("%w: %w", errLogin, err)
	}
	return nil
}

var errLogin = errors.New("no broker can be spoken to")

func (e *Exporter) hangUp() {
	if e.client != nil {
		e.client.Close()
	}
	e.client = nil
}

func (e *Exporter) deliver(ctx context.Context, batch []metric.Sample, rejects *exporters.Rejects) error {
	if err := e.connect(ctx); err != nil {
		return err
	}
	all := make([]int, e.batch.Len())
	for line := range all {
		all[line] = line
	}
	return e.produce(ctx, batch, all, rejects)
}

// produce produces lines, and halves of those that a broker blames until each stands alone: it takes or refuses all records at once that came to it in one
// batch of the protocol's, for its size or for one of them.
func (e *Exporter) produce(ctx context.Context, batch []metric.Sample, lines []int, rejects *exporters.Rejects) error {
	blamed, words, err := e.ask(ctx, batch, lines)
	switch {
	case err != nil || len(blamed) == 0:
		return err
	case len(lines) == 1:
		rejects.Add(e.batch.Sample(lines[0]), fmt.Errorf("kafka output: %w", words))
		return nil
	}
	half := len(blamed) / 2
	for _, part := range [][]int{blamed[:half], blamed[half:]} {
		if len(part) == 0 {
			continue
		}
		if err := e.produce(ctx, batch, part, rejects); err != nil {
			return err
		}
	}
	return nil
}

// ask produces lines, and returns those that a broker blames, ascending, with its words about one of them.
func (e *Exporter) ask(ctx context.Context, batch []metric.Sample, lines []int) (blamed []int, words, err error) {
	type answer struct {
		line int
		err  error
	}
	answers := make(chan answer, len(lines)) // never full: an answer that nobody waits for any more holds up nothing
	for _, line := range lines {
		s := &batch[e.batch.Sample(line)]
		value := e.batch.Lines(line, line+1)
		r := &kgo.Record{Key: []byte(cmp.Or(s.Tag("device"), s.Tag("agent_host"))), Value: value[:len(value)-1], Timestamp: s.At}
		e.client.Produce(ctx, r, func(_ *kgo.Record, err error) { answers <- answer{line, err} })
	}
	for range lines {
		select {
		case a := <-answers:
			switch {
			case a.err == nil:
			case blames(a.err):
				blamed, words = append(blamed, a.line), a.err
			default:
				err = cmp.Or(err, a.err)
			}
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	slices.Sort(blamed)
	return blamed, words, err
}

// blames reports whether err is of records that the topic will never take: too large, or with a time too far from the broker's
// (message.timestamp.after.max.ms, an hour unless set), or refused for what they hold.
func blames(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.InvalidRecord) || errors.Is(err, kerr.InvalidTimestamp)
}

// classify turns a failure into an error of package exporters.
func (e *Exporter) classify(ctx context.Context, err error) error {
	var broker *kerr.Error
	var timeout net.Error
	switch {
	case errors.As(err, new(*exporters.ConfigError)):
		return err
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID):
		return configError("there is no topic %s; create it, with as many partitions as will read it: %w", e.config.Topic, err)
	case errors.Is(err, kerr.SaslAuthenticationFailed), errors.Is(err, kerr.UnsupportedSaslMechanism), errors.Is(err, kerr.IllegalSaslState):
		return configError("the broker refuses us: %w; check sasl, user and password", err)
	case e.config.SASL != "" && errors.Is(err, errLogin) && errors.Is(err, io.EOF): // as brokers before 1.0 refuse
		return retryError("unreachable", "the broker hangs up while we log in; check user and password: %w", err)
	case errors.As(err, new(*kgo.ErrFirstReadEOF)):
		return configError("the broker hangs up at once; it may want tls or sasl: %w", err)
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed), errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		return configError("%w; allow WRITE to topic %s, and IDEMPOTENT_WRITE", err, e.config.Topic)
	case clienttls.Untrusted(err):
		return configError("no trust by TLS: %w; check tls", err)
	case errors.Is(err, context.Canceled):
		return retryError("canceled", "%w", err)
	case errors.As(err, &broker):
		return retryError("server", "%w", err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, kgo.ErrRecordTimeout), errors.As(err, &timeout) && timeout.Timeout(), ctx.Err() != nil:
		return retryError("timeout", "%w", err)
	default:
		return retryError("unreachable", "%w", err)
	}
}

func configError(format string, args ...any) error {
	return &exporters.ConfigError{Err: fmt.Errorf("kafka output: "+format, args...)}
}

func retryError(reason, format string, args ...any) error {
	return &exporters.RetryError{Reason: reason, Err: fmt.Errorf("kafka output: "+format, args...)}
}

// Omitted counts what the encoder left out.
func (e *Exporter) Omitted() map[string]uint64 { return e.batch.Encoder.Omitted() }

// Close ends the connections.
func (e *Exporter) Close() error {
	e.hangUp()
	return nil
}
