// Package proto holds the schema of Protoway as files, for tools that hand it to
// other projects.
package proto

import "embed"

// Files are the .proto files, by the paths that imports name.
//
//go:embed protoway/v1/*.proto
var Files embed.FS
