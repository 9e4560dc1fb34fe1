// Reads the objects named on stdin, one path a line, with the cilium/ebpf library, and prints one JSON document a line:
// what it sees of programs and maps, or the error. With -load every object is also loaded into the kernel.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"sort"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
)

type programView struct {
	Name    string `json:"name"`
	Section string `json:"section"`
	License string `json:"license"`
	Slots   uint64 `json:"slots"`
}

type mapView struct {
	Name       string `json:"name"`
	Type       uint32 `json:"type"`
	KeySize    uint32 `json:"keySize"`
	ValueSize  uint32 `json:"valueSize"`
	MaxEntries uint32 `json:"maxEntries"`
	Flags      uint32 `json:"flags"`
}

type view struct {
	Path     string        `json:"path"`
	Error    string        `json:"error,omitempty"`
	Loaded   bool          `json:"loaded"`
	Programs []programView `json:"programs"`
	Maps     []mapView     `json:"maps"`
}

func look(path string, load bool) view {
	seen := view{Path: path, Programs: []programView{}, Maps: []mapView{}}
	spec, err := ebpf.LoadCollectionSpec(path)
	if err != nil {
		seen.Error = err.Error()
		return seen
	}
	for name, program := range spec.Programs {
		slots := program.Instructions.Size() / 8
		seen.Programs = append(seen.Programs, programView{name, program.SectionName, program.License, slots})
	}
	for name, m := range spec.Maps {
		m.Pinning = ebpf.PinNone
		seen.Maps = append(seen.Maps, mapView{name, uint32(m.Type), m.KeySize, m.ValueSize, m.MaxEntries, m.Flags})
	}
	sort.Slice(seen.Programs, func(a, b int) bool { return seen.Programs[a].Name < seen.Programs[b].Name })
	sort.Slice(seen.Maps, func(a, b int) bool { return seen.Maps[a].Name < seen.Maps[b].Name })
	if load {
		collection, err := ebpf.NewCollection(spec)
		if err != nil {
			seen.Error = err.Error()
			return seen
		}
		seen.Loaded = true
		collection.Close()
	}
	return seen
}

func main() {
	load := len(os.Args) > 1 && os.Args[1] == "-load"
	if load {
		if err := rlimit.RemoveMemlock(); err != nil {
			panic(err)
		}
	}
	lines := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := out.Encode(look(lines.Text(), load)); err != nil {
			panic(err)
		}
	}
}
