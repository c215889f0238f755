package config

import (
	"fmt"
	"strings"
	"time"

	"walkabout/exporters/kafka"
	"walkabout/exporters/lines"
	"walkabout/exporters/nats"
	"walkabout/exporters/otlp"
	"walkabout/internal/secret"
	"walkabout/spool"
)

// Outputs for sites whose pipelines start with a broker or a collector of another kind.

type otlpOutput struct {
	URL      string                 `yaml:"url"`
	Protocol string                 `yaml:"protocol"`
	Headers  map[string]headerValue `yaml:"headers"`
	Timeout  period                 `yaml:"timeout"`
	TLS      tlsKeys                `yaml:"tls"`
	queue    `yaml:",inline"`
}

func (k *otlpOutput) read(r *reader, o *Output, at ...any) bool {
	o.Order = spool.InOrder // many a backend takes nothing that is older than the last of its series
	headers, ok1 := r.headers(k.Headers, at...)
	tls, ok2 := r.tls(k.TLS, at...)
	if !ok1 || !ok2 {
		return false
	}
	o.OTLP = &otlp.Config{URL: k.URL, Protocol: k.Protocol, Headers: headers, TLS: tls, Timeout: time.Duration(k.Timeout)}
	o.where = "OTLP to " + k.URL
	e, err := otlp.New(*o.OTLP)
	return probe(r, e, err, at...)
}

type kafkaOutput struct {
	Brokers      words         `yaml:"brokers"`
	Topic        string        `yaml:"topic"`
	Format       string        `yaml:"format"`
	Unsigned     bool          `yaml:"unsigned"`
	Compression  string        `yaml:"compression"`
	SASL         string        `yaml:"sasl"`
	User         string        `yaml:"user"`
	Password     secret.String `yaml:"password"`
	PasswordFile string        `yaml:"password_file"`
	PasswordEnv  string        `yaml:"password_env"`
	TLS          *tlsKeys      `yaml:"tls"`
	Timeout      period        `yaml:"timeout"`
	queue        `yaml:",inline"`
}

func (k *kafkaOutput) read(r *reader, o *Output, at ...any) bool {
	o.Order = spool.InOrder // a device's records are in order
	password, ok := r.secret(source{"password", k.Password, k.PasswordFile, k.PasswordEnv}, at...)
	if !ok {
		return false
	}
	o.Kafka = &kafka.Config{Brokers: k.Brokers, Topic: k.Topic, Format: lines.Format(k.Format), Unsigned: k.Unsigned, Compression: k.Compression,
		SASL: k.SASL, User: k.User, Password: password, Timeout: time.Duration(k.Timeout)}
	if k.TLS != nil {
		tls, ok := r.tls(*k.TLS, at...)
		if !ok {
			return false
		}
		o.Kafka.TLS = &tls
	}
	o.where = fmt.Sprintf("Kafka at %s, topic %s", strings.Join(k.Brokers, ", "), k.Topic)
	e, err := kafka.New(*o.Kafka)
	return probe(r, e, err, at...)
}

type natsOutput struct {
	Servers      words         `yaml:"servers"`
	Subject      string        `yaml:"subject"`
	Format       string        `yaml:"format"`
	Unsigned     bool          `yaml:"unsigned"`
	Core         bool          `yaml:"core"`
	User         string        `yaml:"user"`
	Password     secret.String `yaml:"password"`
	PasswordFile string        `yaml:"password_file"`
	PasswordEnv  string        `yaml:"password_env"`
	Token        secret.String `yaml:"token"`
	TokenFile    string        `yaml:"token_file"`
	TokenEnv     string        `yaml:"token_env"`
	CredsFile    string        `yaml:"creds_file"`
	NKeyFile     string        `yaml:"nkey_file"`
	TLS          tlsKeys       `yaml:"tls"`
	Timeout      period        `yaml:"timeout"`
	queue        `yaml:",inline"`
}

func (k *natsOutput) read(r *reader, o *Output, at ...any) bool {
	o.Order = spool.InOrder
	password, ok1 := r.secret(source{"password", k.Password, k.PasswordFile, k.PasswordEnv}, at...)
	token, ok2 := r.secret(source{"token", k.Token, k.TokenFile, k.TokenEnv}, at...)
	tls, ok3 := r.tls(k.TLS, at...)
	if !ok1 || !ok2 || !ok3 {
		return false
	}
	o.NATS = &nats.Config{Servers: k.Servers, Subject: k.Subject, Format: lines.Format(k.Format), Unsigned: k.Unsigned, Core: k.Core, User: k.User,
		Password: password, Token: token, CredsFile: k.CredsFile, NKeyFile: k.NKeyFile, TLS: tls, Timeout: time.Duration(k.Timeout)}
	e, err := nats.New(*o.NATS)
	if !probe(r, e, err, at...) {
		return false
	}
	o.where = fmt.Sprintf("NATS at %s, subjects %s", strings.Join(k.Servers, ", "), e.Subjects())
	if k.Core {
		r.warn("core NATS keeps nothing: what no subscriber takes at that moment is gone", append(at, "core")...)
	}
	return true
}
