// Package interop runs the real counterparts that this project's programs meet, for tests under the build tag interop.
package interop
