package dashboards

import "fmt"

func sourceUID(kind Kind) string { return "walkabout-" + string(kind) }

func sourceName(kind Kind) string {
	return map[Kind]string{InfluxQL: "Walkabout (InfluxQL)", Flux: "Walkabout (Flux)", Prometheus: "Walkabout (Prometheus)"}[kind]
}

// provisioning returns what Grafana's folder provisioning/ has, for each kind apart, so that a site takes those that it has: a data source and a provider of
// dashboards. Grafana puts the environment's variables in; docs/dashboards.md tells what they are for.
func provisioning(o Options) map[string][]byte {
	out := map[string][]byte{}
	for _, kind := range Kinds() {
		folder := "provisioning/" + string(kind) + "/"
		out[folder+"datasources/walkabout-"+string(kind)+".yaml"] = dataSource(kind, o)
		// A folder for each kind: titles are to be unique in a folder. No changes in Grafana: the next release's files would undo them.
		out[folder+"dashboards/walkabout-"+string(kind)+".yaml"] = fmt.Appendf(nil, `apiVersion: 1
providers:
  - name: walkabout-%[1]s
    folder: %[2]s
    type: file
    updateIntervalSeconds: 60
    allowUiUpdates: false
    options:
      path: $WALKABOUT_DASHBOARDS/%[1]s
`, kind, sourceName(kind))
	}
	return out
}

// dataSource returns the file of a data source. Its timeInterval is the least $__interval.
func dataSource(kind Kind, o Options) []byte {
	head := fmt.Sprintf("apiVersion: 1\ndatasources:\n  - name: %s\n    uid: %s\n    type: %s\n    access: proxy\n", sourceName(kind), sourceUID(kind), sourceType(kind))
	switch kind {
	case InfluxQL:
		return fmt.Appendf([]byte(head), `    url: $WALKABOUT_INFLUXDB_URL
    user: $WALKABOUT_INFLUXDB_USER
    jsonData:
      version: InfluxQL
      dbName: $WALKABOUT_INFLUXDB_DATABASE
      httpMode: POST
      timeInterval: %s
    secureJsonData:
      password: $WALKABOUT_INFLUXDB_PASSWORD
`, short(o.Interval))
	case Flux:
		return fmt.Appendf([]byte(head), `    url: $WALKABOUT_INFLUXDB_URL
    jsonData:
      version: Flux
      organization: $WALKABOUT_INFLUXDB_ORG # InfluxDB 1.8 takes any
      defaultBucket: $WALKABOUT_INFLUXDB_BUCKET # of 1.8: DATABASE/POLICY, as in snmp/autogen
      timeInterval: %s
    secureJsonData:
      token: $WALKABOUT_INFLUXDB_TOKEN # of 1.8: USER:PASSWORD
`, short(o.Interval))
	}
	return fmt.Appendf([]byte(head), `    url: $WALKABOUT_PROMETHEUS_URL
    jsonData:
      httpMethod: POST
      timeInterval: %s
      # tlsAuthWithCACert: true # and tlsCACert below: an authority of your own
    # Where a password is asked for; by the collector a user of "pages: users", or any name and api_token as its password:
    # basicAuth: true
    # basicAuthUser: $WALKABOUT_PROMETHEUS_USER
    # secureJsonData:
    #   basicAuthPassword: $WALKABOUT_PROMETHEUS_PASSWORD
    #   tlsCACert: $__file{/etc/grafana/walkabout-ca.pem}
`, short(o.Interval))
}
