package sqlite

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// With turns, the groups of a queue take turns: the next item comes from the group whose
// last turn was longest ago. So the backlog of one group does not delay the others. Only
// the committer of the queue uses turns.
type turns struct {
	count int
	last  map[string]int // the value of count at the last turn of each group in the queue
}

// groupsInQueue finds each group with one step in the index, no matter how many items the
// group has.
const groupsInQueue = `WITH RECURSIVE groups (name) AS (
	SELECT min("group") FROM queue_items
	UNION ALL
	SELECT (SELECT min("group") FROM queue_items WHERE "group" > name) FROM groups WHERE name IS NOT NULL
) SELECT name FROM groups WHERE name IS NOT NULL`

// choose returns at most the given number of visible items. They are in the order in
// which they must be dequeued.
func (s *turns) choose(t *tx, now int64, limit int) (seqs []int64, err error) {
	var groups []string
	err = t.forEachRow(context.Background(), groupsInQueue, nil, func(scan func(...any) error) (bool, error) {
		var name string
		err := scan(&name)
		groups = append(groups, name)
		return true, err
	})
	if err != nil {
		return nil, err
	}
	waiting := make(map[string][]int64)
	for _, name := range groups {
		err := t.forEachRow(context.Background(), `SELECT seq FROM queue_items WHERE "group" = ? AND visible_at <= ? ORDER BY visible_at, seq LIMIT ?`,
			[]any{name, now, limit}, func(scan func(...any) error) (bool, error) {
				var seq int64
				err := scan(&seq)
				waiting[name] = append(waiting[name], seq)
				return true, err
			})
		if err != nil {
			return nil, err
		}
	}
	maps.DeleteFunc(s.last, func(name string, _ int) bool { _, found := slices.BinarySearch(groups, name); return !found })
	for len(seqs) < limit && len(waiting) > 0 {
		next := slices.MinFunc(slices.Sorted(maps.Keys(waiting)), func(a, b string) int { return cmp.Compare(s.last[a], s.last[b]) })
		seqs = append(seqs, waiting[next][0])
		if waiting[next] = waiting[next][1:]; len(waiting[next]) == 0 {
			delete(waiting, next)
		}
		s.count++
		s.last[next] = s.count
	}
	return seqs, nil
}
