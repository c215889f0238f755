package influxdb

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
)

// create returns the command that creates what the server's words say is missing, or "" if they do not say.
func (e *Exporter) create(words, version string) string {
	database, policy, _ := strings.Cut(e.config.Bucket, "/")
	switch {
	case strings.Contains(words, "retention policy not found"):
		return e.influx1(fmt.Sprintf("CREATE RETENTION POLICY %s ON %s DURATION 0s REPLICATION 1", identifier(policy), identifier(database)))
	case strings.Contains(words, "database not found") || strings.HasPrefix(version, "1.") && strings.Contains(words, "not found"):
		return e.influx1("CREATE DATABASE " + identifier(database))
	case strings.Contains(words, "organization") && strings.Contains(words, "not found"):
		return "influx org create -n " + shell(e.config.Org) + e.host2()
	case strings.Contains(words, "not found") && (strings.Contains(words, "bucket") || version != ""):
		return "influx bucket create -n " + shell(e.config.Bucket) + " -o " + shell(e.config.Org) + e.host2()
	default:
		return ""
	}
}

// influx1 returns the command line of the 1.x client, which speaks to localhost:8086 unless told otherwise.
func (e *Exporter) influx1(statement string) string {
	command := "influx"
	if !e.local() {
		command += " -host " + shell(e.base.Hostname())
	}
	if port := e.port(); port != "8086" {
		command += " -port " + port
	}
	if e.base.Scheme == "https" {
		command += " -ssl"
	}
	return command + " -execute " + quote(statement)
}

// host2 returns the option of the 2.x client, which speaks to http://localhost:8086 unless told otherwise.
func (e *Exporter) host2() string {
	if e.local() && e.port() == "8086" && e.base.Scheme == "http" {
		return ""
	}
	return " --host " + shell(e.base.String())
}

func (e *Exporter) local() bool {
	host := e.base.Hostname()
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func (e *Exporter) port() string {
	switch port := e.base.Port(); {
	case port != "":
		return port
	case e.base.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

var (
	plainIdentifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	plainWord       = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,\[\]=-]+$`)
)

// keywords of InfluxQL need quotes as identifiers.
var keywords = strings.Fields(`ALL ALTER ANALYZE ANY AS ASC BEGIN BY CARDINALITY CREATE CONTINUOUS DATABASE DATABASES DEFAULT DELETE DESC
	DESTINATIONS DIAGNOSTICS DISTINCT DROP DURATION END EVERY EXACT EXPLAIN FIELD FOR FROM GRANT GRANTS GROUP GROUPS IN INF INSERT INTO KEY
	KEYS KILL LIMIT MEASUREMENT MEASUREMENTS NAME OFFSET ON ORDER PASSWORD POLICY POLICIES PRIVILEGES QUERIES QUERY READ REPLICATION RESAMPLE
	RETENTION REVOKE SELECT SERIES SET SHARD SHARDS SHOW SLIMIT SOFFSET STATS SUBSCRIPTION SUBSCRIPTIONS TAG TO TRUE FALSE AND OR USER USERS
	VALUES WHERE WITH WRITE`)

// identifier returns name as InfluxQL writes it.
func identifier(name string) string {
	if plainIdentifier.MatchString(name) && !slices.Contains(keywords, strings.ToUpper(name)) {
		return name
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(name) + `"`
}

// shell returns word as a POSIX shell reads it.
func shell(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return quote(word)
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
