// Package intelliauth is the root of the module. It holds no code: the server
// is cmd/intelliauth, its rooms are under internal, and arch_test.go beside
// this file holds the lattice of what may import what.
package intelliauth
