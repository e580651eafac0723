// Package sqlc answers "in which SQL?": typed queries generated from
// ../queries and checked against ../migrations. One text serves SQLite and
// PostgreSQL. Only this file is written by hand; see ../sqlc.yaml.
package sqlc
