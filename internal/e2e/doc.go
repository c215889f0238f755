// Package e2e tests the built programs together, under the build tag interop on Linux: agents in network namespaces of their own, polled over veth
// pairs, a real InfluxDB, a webhook receiver. What is counted is held against the kernel's own figures.
package e2e
