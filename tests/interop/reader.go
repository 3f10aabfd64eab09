// A stranger's client of a C2SP tlog-tiles log, on the unmodified golang.org/x/mod/sumdb: it shares nothing
// with the ledger but the formats.
//
//	reader read URL VKEY OLD-SIZE INDEX…   check a log that is served, print what was found
//	reader write FOLDER NAME SIZE          write a log of its own, print what it should be found to be
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// Verdict is printed as JSON: what was found, or why the log is not to be trusted.
type Verdict struct {
	Error   string                     `json:"error,omitempty"`
	Key     string                     `json:"key,omitempty"`
	Origin  string                     `json:"origin"`
	Signed  []string                   `json:"signed"`
	Size    int64                      `json:"size"`
	Root    tlog.Hash                  `json:"root"`
	OldRoot tlog.Hash                  `json:"old_root"`
	Grown   tlog.TreeProof             `json:"grown"`
	Entries int64                      `json:"entries"`
	Proofs  map[int64]tlog.RecordProof `json:"proofs"`
}

func main() {
	verdict := &Verdict{Proofs: map[int64]tlog.RecordProof{}}
	var err error
	switch {
	case len(os.Args) >= 5 && os.Args[1] == "read":
		err = verdict.read(os.Args[2], os.Args[3], number(os.Args[4]), os.Args[5:])
	case len(os.Args) == 5 && os.Args[1] == "write":
		err = verdict.write(os.Args[2], os.Args[3], number(os.Args[4]))
	default:
		err = fmt.Errorf("usage: reader read URL VKEY OLD-SIZE INDEX… | reader write FOLDER NAME SIZE")
	}
	if err != nil {
		verdict.Error = err.Error()
	}
	json.NewEncoder(os.Stdout).Encode(verdict)
	if err != nil {
		os.Exit(1)
	}
}

func number(text string) int64 {
	found, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return found
}

// read opens the checkpoint, then takes every hash through the reader that holds tiles against its root.
func (v *Verdict) read(url, vkey string, oldSize int64, indexes []string) error {
	key, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	signed, err := fetch(url, "checkpoint")
	if err != nil {
		return err
	}
	opened, err := note.Open(signed, note.VerifierList(key))
	if err != nil {
		return err
	}
	for _, signature := range opened.Sigs {
		v.Signed = append(v.Signed, signature.Name)
	}
	tree, origin, err := parse(opened.Text)
	if err != nil {
		return err
	}
	v.Origin, v.Size, v.Root = origin, tree.N, tree.Hash
	hashes := tlog.TileHashReader(tree, tiles{url, map[tlog.Tile][]byte{}})
	if v.Entries, err = entries(url, tree, hashes); err != nil {
		return err
	}
	if err := v.prove(tree, oldSize, hashes); err != nil {
		return err
	}
	for _, text := range indexes {
		if err := v.proveRecord(tree, number(text), hashes); err != nil {
			return err
		}
	}
	return nil
}

// parse reads a checkpoint with the parser of Go's own database, whose first line is fixed.
func parse(text string) (tlog.Tree, string, error) {
	origin, rest, _ := strings.Cut(text, "\n")
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	return tree, origin, err
}

// prove shows that the tree of the old size is a prefix.
func (v *Verdict) prove(tree tlog.Tree, oldSize int64, hashes tlog.HashReader) (err error) {
	if v.OldRoot, err = tlog.TreeHash(oldSize, hashes); err != nil {
		return err
	}
	if v.Grown, err = tlog.ProveTree(tree.N, oldSize, hashes); err != nil {
		return err
	}
	return tlog.CheckTree(v.Grown, tree.N, tree.Hash, oldSize, v.OldRoot)
}

// proveRecord shows that one record stands at its index.
func (v *Verdict) proveRecord(tree tlog.Tree, index int64, hashes tlog.HashReader) error {
	leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
	if err != nil {
		return err
	}
	if v.Proofs[index], err = tlog.ProveRecord(tree.N, index, hashes); err != nil {
		return err
	}
	return tlog.CheckRecord(v.Proofs[index], tree.N, tree.Hash, index, leaf[0])
}

// entries hashes every entry of every bundle, holds it against its leaf, and returns how many there are. It also
// builds the tree of them anew: the reader of tiles before x/mod 0.40 takes up to two unseen (CVE-2026-56865).
func entries(url string, tree tlog.Tree, leaves tlog.HashReader) (count int64, err error) {
	stored := hashes{}
	for count < tree.N {
		tile := widest(tlog.Tile{H: height, L: -1, N: count >> height}, tree.N)
		bundle, err := fetch(url, path(tile))
		if err != nil {
			return count, err
		}
		var indexes []int64
		for at := int64(0); at < int64(tile.W); at++ {
			indexes = append(indexes, tlog.StoredHashIndex(0, count+at))
		}
		found, err := leaves.ReadHashes(indexes)
		if err != nil {
			return count, err
		}
		for _, leaf := range found {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return count, fmt.Errorf("%s: ends within entry %d", path(tile), count)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			if tlog.RecordHash(bundle[2:end]) != leaf {
				return count, fmt.Errorf("%s: entry %d is not the leaf", path(tile), count)
			}
			more, err := tlog.StoredHashes(count, bundle[2:end], &stored)
			if err != nil {
				return count, err
			}
			stored = append(stored, more...)
			bundle = bundle[end:]
			count++
		}
		if len(bundle) > 0 {
			return count, fmt.Errorf("%s: goes on after entry %d", path(tile), count-1)
		}
	}
	if root, err := tlog.TreeHash(count, &stored); err != nil || root != tree.Hash {
		return count, fmt.Errorf("the entries hash to %v, not to the signed root (%v)", root, err)
	}
	return count, nil
}

// widest returns the tile as a tree of this size has it: full, or as much as there is.
func widest(tile tlog.Tile, size int64) tlog.Tile {
	for level := 0; level < tile.L; level++ {
		size >>= height
	}
	tile.W = 1 << height
	if rest := size - tile.N<<height; rest < int64(tile.W) {
		tile.W = int(rest)
	}
	return tile
}

// path spells a tile as C2SP does: without the height, and with "entries" for what Go calls data.
func path(tile tlog.Tile) string {
	found := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
	return strings.Replace(found, "tile/data/", "tile/entries/", 1)
}

func fetch(url, path string) ([]byte, error) {
	answer, err := http.Get(strings.TrimSuffix(url, "/") + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// tiles are those of a log at one address, each fetched once.
type tiles struct {
	url  string
	kept map[tlog.Tile][]byte
}

func (t tiles) Height() int { return height }

func (t tiles) ReadTiles(wanted []tlog.Tile) (found [][]byte, err error) {
	for _, tile := range wanted {
		data, ok := t.kept[tile]
		if !ok {
			if data, err = fetch(t.url, path(tile)); err != nil {
				return nil, err
			}
		}
		found = append(found, data)
	}
	return found, nil
}

func (t tiles) SaveTiles(read []tlog.Tile, data [][]byte) {
	for at, tile := range read {
		t.kept[tile] = data[at]
	}
}

// write makes a key and a log of numbered records: the bundles, the tiles and the signed checkpoint.
func (v *Verdict) write(folder, name string, size int64) error {
	private, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return err
	}
	stored := hashes{}
	bundles := map[int64]*bytes.Buffer{}
	for index := int64(0); index < size; index++ {
		record := []byte(strings.Repeat(fmt.Sprintf("record %d\n", index), int(index%7)))
		more, err := tlog.StoredHashes(index, record, &stored)
		if err != nil {
			return err
		}
		stored = append(stored, more...)
		bundle := bundles[index>>height]
		if bundle == nil {
			bundle = &bytes.Buffer{}
			bundles[index>>height] = bundle
		}
		binary.Write(bundle, binary.BigEndian, uint16(len(record)))
		bundle.Write(record)
	}
	for _, tile := range tlog.NewTiles(height, 0, size) {
		if tile != widest(tile, size) {
			continue
		}
		data, err := tlog.ReadTileData(tile, &stored)
		if err != nil {
			return err
		}
		if err := save(folder, path(tile), data); err != nil {
			return err
		}
		if tile.L == 0 {
			tile.L = -1
			if err := save(folder, path(tile), bundles[tile.N].Bytes()); err != nil {
				return err
			}
		}
	}
	tree := tlog.Tree{N: size}
	if tree.Hash, err = tlog.TreeHash(size, &stored); err != nil {
		return err
	}
	v.Key, v.Origin, v.Size, v.Root, v.Entries = public, name, size, tree.Hash, size
	if err := v.prove(tree, size/2+1, &stored); err != nil {
		return err
	}
	for index := int64(0); index < size; index += size/5 + 1 {
		if err := v.proveRecord(tree, index, &stored); err != nil {
			return err
		}
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", name, size, tree.Hash)
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return err
	}
	return save(folder, "checkpoint", signed)
}

func save(folder, path string, data []byte) error {
	file := filepath.Join(folder, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}

// hashes holds what is stored of a growing tree.
type hashes []tlog.Hash

func (h *hashes) ReadHashes(indexes []int64) (found []tlog.Hash, err error) {
	for _, index := range indexes {
		found = append(found, (*h)[index])
	}
	return found, nil
}
