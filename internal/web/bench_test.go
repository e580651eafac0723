package web

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/flow"
)

// BenchmarkPage renders the page that people see most.
func BenchmarkPage(b *testing.B) {
	s := &server{Deps{Pages: newPages(b), Now: noon}}
	view := views(b, plainNames())["password"]
	r := httptest.NewRequest(http.MethodGet, "/flow/flow_1", nil)
	r = r.WithContext(edge.WithTenant(r.Context(), tenant()))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.tell(httptest.NewRecorder(), r, flow.Posted{View: view}, flow.Post{}); err != nil {
			b.Fatal(err)
		}
	}
}
