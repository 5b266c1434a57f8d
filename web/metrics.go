package web

import (
	"fmt"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

func newRequestHistogram(reg prometheus.Registerer) (*prometheus.HistogramVec, error) {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "futakagi_http_request_duration_seconds",
		Help:    "Time from the request's headers to the end of the answer.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"route", "method", "code"})
	if reg == nil {
		return h, nil
	}
	if err := reg.Register(h); err != nil {
		return nil, fmt.Errorf("web: register request histogram: %w", err)
	}
	return h, nil
}

// statusLabel needs no table: net/http writes only three-digit codes.
func statusLabel(status int) string { return strconv.Itoa(status) }
