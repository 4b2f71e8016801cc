package tui

import (
	"fmt"
	"os"
	"testing"
)

func TestLook(t *testing.T) {
	if os.Getenv("LOOK") == "" {
		t.Skip()
	}
	for _, size := range [][2]int{{80, 24}, {160, 48}} {
		m := newTestModel()
		m = sized(send(m, answered(m, busy())), size[0], size[1])
		for i := range m.views {
			if i == jobsView {
				continue
			}
			fmt.Println(m.visit(i).View())
			fmt.Println("=======")
		}
	}
}
