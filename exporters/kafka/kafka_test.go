package kafka_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"walkabout/exporters"
	"walkabout/exporters/kafka"
	"walkabout/exporters/lineprotocol"
	"walkabout/exporters/lines"
	"walkabout/internal/clienttls"
	"walkabout/internal/clienttls/tlstest"
	"walkabout/internal/secret"
	"walkabout/metric"
)

// Tests against franz-go's kfake, brokers in the test's own process that speak Kafka's protocol.

var _ exporters.Omitter = (*kafka.Exporter)(nil)

const topic = "snmp"

func newCluster(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(4, topic)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func newExporter(t *testing.T, c kafka.Config) *kafka.Exporter {
	t.Helper()
	if c.Topic == "" {
		c.Topic = topic
	}
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	e, err := kafka.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return e
}

// samples makes samples of two devices in turn, numbered from up to, but without, to.
func samples(from, to int) (batch []metric.Sample) {
	for i := from; i < to; i++ {
		batch = append(batch, metric.Sample{Measurement: "m", At: time.UnixMilli(int64(i)),
			Tags: []metric.Tag{{Name: "device", Value: fmt.Sprint("core", i%2)}}, Fields: []metric.Field{{Name: "f", Kind: metric.Integer, Num: uint64(i)}}})
	}
	return batch
}

// record is a record that a consumer got.
type record struct {
	Partition int32
	Value     string
	At        int64 // milliseconds since 1970
}

// consume returns the next n records of each key, in their order.
func consume(t *testing.T, n int, opts ...kgo.Opt) map[string][]record {
	t.Helper()
	client, err := kgo.NewClient(append(opts, kgo.ConsumeTopics(topic))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := map[string][]record{}
	for n > 0 {
		fetched := client.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			t.Fatal(err)
		}
		for _, r := range fetched.Records() {
			out[string(r.Key)] = append(out[string(r.Key)], record{r.Partition, string(r.Value), r.Timestamp.UnixMilli()})
			n--
		}
	}
	return out
}

func TestProduces(t *testing.T) {
	for _, compression := range []string{"", "none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(compression, func(t *testing.T) {
			c := newCluster(t)
			e := newExporter(t, kafka.Config{Brokers: c.ListenAddrs(), Compression: compression})
			const n = 40
			for i := 0; i < n; i += 10 {
				if err := e.Export(t.Context(), samples(i, i+10)); err != nil {
					t.Fatal(err)
				}
			}
			got := consume(t, n, kgo.SeedBrokers(c.ListenAddrs()...))
			for device, records := range got {
				var odd int
				if device == "core1" {
					odd = 1
				}
				for i, r := range records {
					at := 2*i + odd
					want := record{records[0].Partition, fmt.Sprintf(`{"measurement":"m","time":%q,"tags":{"device":%q},"fields":{"f":%d}}`,
						time.UnixMilli(int64(at)).UTC().Format(time.RFC3339Nano), device, at), int64(at)}
					if diff := cmp.Diff(want, r); diff != "" {
						t.Fatalf("%s, record %d (-want +got):\n%s", device, i, diff)
					}
				}
			}
			if len(got["core0"]) != n/2 || len(got["core1"]) != n/2 {
				t.Errorf("%d and %d records", len(got["core0"]), len(got["core1"]))
			}
		})
	}
}

func TestLineProtocol(t *testing.T) {
	c := newCluster(t)
	e := newExporter(t, kafka.Config{Brokers: c.ListenAddrs(), Format: lines.Influx})
	batch := samples(0, 4)
	batch[1].Measurement = ""
	batch[2].Fields = append(batch[2].Fields, metric.Field{Name: "c", Kind: metric.Counter64, Num: 1 << 63})
	var partial *exporters.PartialError
	if err := e.Export(t.Context(), batch); !errors.As(err, &partial) || !errors.Is(err, lineprotocol.ErrNoMeasurement) || cmp.Diff([]int{1}, partial.Rejected) != "" {
		t.Errorf("%v, want sample 1 rejected", err)
	}
	if got := e.Omitted()["overflow"]; got != 1 {
		t.Errorf("%d fields counted as overflow, want 1", got)
	}
	if got := consume(t, 3, kgo.SeedBrokers(c.ListenAddrs()...)); got["core0"][1].Value != "m,device=core0 f=2i 2000000" {
		t.Errorf("%+v", got)
	}
}

// TestTooLarge: what a topic never takes is found, and the rest goes on.
func TestTooLarge(t *testing.T) {
	c := newCluster(t)
	e := newExporter(t, kafka.Config{Brokers: c.ListenAddrs(), Compression: "none"})
	batch := samples(0, 6)
	batch[3].Fields = append(batch[3].Fields, metric.Field{Name: "s", Kind: metric.String, Str: strings.Repeat("x", 2<<20)})
	var partial *exporters.PartialError
	if err := e.Export(t.Context(), batch); !errors.As(err, &partial) || !errors.Is(err, kerr.MessageTooLarge) || cmp.Diff([]int{3}, partial.Rejected) != "" {
		t.Fatalf("%v, want sample 3 rejected", err)
	}
	if got := consume(t, 5, kgo.SeedBrokers(c.ListenAddrs()...)); len(got["core0"]) != 3 || len(got["core1"]) != 2 {
		t.Errorf("%+v", got)
	}
}

// TestAnswers has brokers refuse what is produced, and wants all of it there when they do so no more.
func TestAnswers(t *testing.T) {
	tests := []struct {
		code   *kerr.Error
		reason string // of a RetryError; "" for a ConfigError
	}{
		{kerr.TopicAuthorizationFailed, ""},
		{kerr.ClusterAuthorizationFailed, ""},
		{kerr.InvalidRequiredAcks, "server"},
		{kerr.PolicyViolation, "server"},
	}
	for _, tt := range tests {
		t.Run(tt.code.Message, func(t *testing.T) {
			c := newCluster(t)
			c.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
				resp := r.ResponseKind().(*kmsg.ProduceResponse)
				for _, asked := range r.(*kmsg.ProduceRequest).Topics {
					answer := kmsg.NewProduceResponseTopic()
					answer.Topic, answer.TopicID = asked.Topic, asked.TopicID
					for _, p := range asked.Partitions {
						partition := kmsg.NewProduceResponseTopicPartition()
						partition.Partition, partition.ErrorCode = p.Partition, tt.code.Code
						answer.Partitions = append(answer.Partitions, partition)
					}
					resp.Topics = append(resp.Topics, answer)
				}
				return resp, nil, true
			})
			e := newExporter(t, kafka.Config{Brokers: c.ListenAddrs()})
			err := e.Export(t.Context(), samples(0, 1))
			judge(t, err, tt.reason)
			if !errors.Is(err, tt.code) {
				t.Errorf("%v does not say what the broker said", err)
			}
			if err := e.Export(t.Context(), samples(0, 4)); err != nil {
				t.Fatal(err)
			}
			if got := consume(t, 4, kgo.SeedBrokers(c.ListenAddrs()...)); len(got["core0"]) != 2 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// judge wants a RetryError of the reason, or a ConfigError if that is "".
func judge(t *testing.T, err error, reason string) {
	t.Helper()
	var retry *exporters.RetryError
	var config *exporters.ConfigError
	switch {
	case reason == "" && !errors.As(err, &config):
		t.Errorf("%v, want a ConfigError", err)
	case reason != "" && (!errors.As(err, &retry) || retry.Reason != reason):
		t.Errorf("%v, want a RetryError of %s", err, reason)
	}
}

func TestNoTopic(t *testing.T) {
	c := newCluster(t)
	err := newExporter(t, kafka.Config{Brokers: c.ListenAddrs(), Topic: "nosuch"}).Export(t.Context(), samples(0, 1))
	judge(t, err, "")
	if !strings.Contains(fmt.Sprint(err), "there is no topic nosuch; create it") {
		t.Error(err)
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // accepts, and says nothing
	judge(t, newExporter(t, kafka.Config{Brokers: []string{l.Addr().String()}, Timeout: time.Second}).Export(t.Context(), samples(0, 1)), "timeout")
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	judge(t, newExporter(t, kafka.Config{Brokers: []string{gone.Addr().String()}, Timeout: time.Second}).Export(t.Context(), samples(0, 1)), "unreachable")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	judge(t, newExporter(t, kafka.Config{Brokers: []string{l.Addr().String()}}).Export(ctx, samples(0, 1)), "canceled")
}

// TestRestart: a cluster that went away and came back gets the next batch.
func TestRestart(t *testing.T) {
	c := newCluster(t, kfake.Ports(0))
	addrs := c.ListenAddrs()
	e := newExporter(t, kafka.Config{Brokers: addrs, Timeout: 5 * time.Second})
	if err := e.Export(t.Context(), samples(0, 2)); err != nil {
		t.Fatal(err)
	}
	c.Close()
	var retry *exporters.RetryError
	if err := e.Export(t.Context(), samples(2, 4)); !errors.As(err, &retry) {
		t.Fatalf("%v, want a RetryError", err)
	}
	_, port, err := net.SplitHostPort(addrs[0])
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if _, err := fmt.Sscan(port, &n); err != nil {
		t.Fatal(err)
	}
	newCluster(t, kfake.Ports(n))
	if err := e.Export(t.Context(), samples(2, 4)); err != nil {
		t.Fatal(err)
	}
	if got := consume(t, 2, kgo.SeedBrokers(addrs...)); len(got["core0"]) != 1 || len(got["core1"]) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestSASL(t *testing.T) {
	for _, mechanism := range []string{kafka.Plain, kafka.ScramSHA256, kafka.ScramSHA512} {
		t.Run(mechanism, func(t *testing.T) {
			c := newCluster(t, kfake.EnableSASL(), kfake.Superuser(mechanism, "bob", "hunter2"))
			good := kafka.Config{Brokers: c.ListenAddrs(), SASL: mechanism, User: "bob", Password: secret.New("hunter2")}
			if err := newExporter(t, good).Export(t.Context(), samples(0, 2)); err != nil {
				t.Error(err)
			}
			wrong := good
			wrong.Password = secret.New("hunter3")
			err := newExporter(t, wrong).Export(t.Context(), samples(0, 2)) // kfake hangs up
			judge(t, err, "unreachable")
			if !strings.Contains(fmt.Sprint(err), "check user and password") || strings.Contains(fmt.Sprintf("%v %+v", err, wrong), "hunter") {
				t.Error(err)
			}
			c.ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) { // as Kafka refuses
				resp := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
				resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
				return resp, nil, true
			})
			err = newExporter(t, good).Export(t.Context(), samples(0, 2))
			judge(t, err, "")
			if !strings.Contains(fmt.Sprint(err), "check sasl, user and password") {
				t.Error(err)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	ca, clients := tlstest.NewCA(t), tlstest.NewCA(t)
	config := ca.Server(clients, "127.0.0.1", "localhost")
	c := newCluster(t, kfake.ListenFn(func(network, address string) (net.Listener, error) { return tls.Listen(network, address, config) }))
	cert, key := clients.Client(t, "walkabout")
	if err := newExporter(t, kafka.Config{Brokers: c.ListenAddrs(), TLS: &clienttls.Config{CA: ca.File, Certificate: cert, Key: key}}).Export(t.Context(), samples(0, 2)); err != nil {
		t.Error(err)
	}
	err := newExporter(t, kafka.Config{Brokers: c.ListenAddrs(), TLS: &clienttls.Config{CA: clients.File}, Timeout: 10 * time.Second}).Export(t.Context(), samples(0, 2))
	judge(t, err, "")
}

func TestConfigErrors(t *testing.T) {
	good := kafka.Config{Brokers: []string{"127.0.0.1:9092"}, Topic: "snmp"}
	tests := []struct {
		name   string
		change func(*kafka.Config)
		want   string
	}{
		{"no broker", func(c *kafka.Config) { c.Brokers = nil }, "brokers are missing"},
		{"no port", func(c *kafka.Config) { c.Brokers = []string{"localhost"} }, `broker "localhost" is not of the form`},
		{"port", func(c *kafka.Config) { c.Brokers = []string{"localhost:99999"} }, "the port is not between 1 and 65535"},
		{"no topic", func(c *kafka.Config) { c.Topic = "" }, "topic is missing"},
		{"a topic with a blank", func(c *kafka.Config) { c.Topic = "a b" }, `topic "a b"`},
		{"format", func(c *kafka.Config) { c.Format = "xml" }, `format "xml"`},
		{"compression", func(c *kafka.Config) { c.Compression = "rar" }, `compression "rar"`},
		{"sasl", func(c *kafka.Config) { c.SASL, c.User, c.Password = "GSSAPI", "u", secret.New("p") }, `sasl "GSSAPI"`},
		{"sasl without password", func(c *kafka.Config) { c.SASL, c.User = kafka.Plain, "u" }, "sasl needs user and password"},
		{"password without sasl", func(c *kafka.Config) { c.Password = secret.New("hunter2") }, "user and password need sasl"},
		{"tls", func(c *kafka.Config) { c.TLS = &clienttls.Config{MinVersion: "1"} }, "min_version"},
	}
	for _, tt := range tests {
		c := good
		tt.change(&c)
		_, err := kafka.New(c)
		var config *exporters.ConfigError
		if !errors.As(err, &config) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want a ConfigError with %q", tt.name, err, tt.want)
		}
	}
}

// TestSmallTopic: a topic that takes less than what is produced at once is asked again with less, until only what it never takes is left.
func TestSmallTopic(t *testing.T) {
	c := newCluster(t, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "1000"}))
	e := newExporter(t, kafka.Config{Brokers: c.ListenAddrs(), Compression: "none"})
	batch := samples(0, 300)
	batch[33].Fields = append(batch[33].Fields, metric.Field{Name: "s", Kind: metric.String, Str: strings.Repeat("x", 2000)})
	var partial *exporters.PartialError
	if err := e.Export(t.Context(), batch); !errors.As(err, &partial) || !errors.Is(err, kerr.MessageTooLarge) || cmp.Diff([]int{33}, partial.Rejected) != "" {
		t.Fatalf("%v, %v, want sample 33 rejected", err, partial)
	}
	got := consume(t, 299, kgo.SeedBrokers(c.ListenAddrs()...))
	if len(got["core0"]) != 150 || len(got["core1"]) != 149 {
		t.Errorf("%d and %d records", len(got["core0"]), len(got["core1"]))
	}
}

// TestFuture: what polls of a clock that ran ahead brought holds up nothing where the topic wants no records of the future.
func TestFuture(t *testing.T) {
	c := newCluster(t)
	c.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		resp := r.ResponseKind().(*kmsg.ProduceResponse)
		bad := false
		for _, asked := range r.(*kmsg.ProduceRequest).Topics {
			answer := kmsg.NewProduceResponseTopic()
			answer.Topic, answer.TopicID = asked.Topic, asked.TopicID
			for _, p := range asked.Partitions {
				var b kmsg.RecordBatch
				if err := b.ReadFrom(p.Records); err != nil {
					t.Error(err)
				}
				refused := kmsg.NewProduceResponseTopicPartition()
				refused.Partition, refused.ErrorCode = p.Partition, kerr.InvalidTimestamp.Code
				bad = bad || b.MaxTimestamp > time.Hour.Milliseconds()
				answer.Partitions = append(answer.Partitions, refused)
			}
			resp.Topics = append(resp.Topics, answer)
		}
		return resp, nil, bad
	})
	e := newExporter(t, kafka.Config{Brokers: c.ListenAddrs()})
	batch := samples(0, 40)
	for i := range batch { // as a rename of device leaves them
		batch[i].Tags = []metric.Tag{{Name: "agent_host", Value: batch[i].Tag("device")}}
	}
	batch[7].At, batch[30].At = time.UnixMilli(0).Add(2*time.Hour), time.UnixMilli(0).Add(3*time.Hour)
	var partial *exporters.PartialError
	if err := e.Export(t.Context(), batch); !errors.As(err, &partial) || !errors.Is(err, kerr.InvalidTimestamp) || cmp.Diff([]int{7, 30}, partial.Rejected) != "" {
		t.Fatalf("%v, %v, want samples 7 and 30 rejected", err, partial)
	}
	if got := consume(t, 38, kgo.SeedBrokers(c.ListenAddrs()...)); len(got["core0"]) != 19 || len(got["core1"]) != 19 {
		t.Errorf("%+v", got)
	}
}
