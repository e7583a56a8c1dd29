package api

import "testing"

// A cursor must be refused unless cursorOf made it for the same selection.
func FuzzCursor(f *testing.F) {
	f.Add("owner=a", "1904119200000.7", "")
	f.Add("owner=a&status=queued", "1904119200000.0196a3c4-5d3e-7c1a-9b7e-2f1d0c9b8a76", "MS5hYmMuMTIz")
	f.Add("", ".", cursorOf("", "."))
	f.Add("owner=b", "x", cursorOf("owner=a", "x"))
	f.Fuzz(func(t *testing.T, selection, position, cursor string) {
		if position != "" {
			if got, err := positionOf(selection, cursorOf(selection, position)); got != position || err != nil {
				t.Errorf("the position %q is read back as %q, %v", position, got, err)
			}
		}
		if got, err := positionOf(selection, cursor); err == nil && cursorOf(selection, got) != cursor {
			t.Errorf("the cursor %q is accepted in place of %q", cursor, got)
		}
	})
}
