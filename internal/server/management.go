package server

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/futakagi/futakagi/delivery"
)

// probeLimit bounds the database check of the readiness probe.
const probeLimit = 2 * time.Second

// management answers probes and metrics.
func (s *Server) management(metrics *prometheus.Registry, outbox *delivery.Outbox) http.Handler {
	metrics.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	for _, channel := range delivery.Channels() {
		metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "futakagi_outbox_oldest_age_seconds", Help: "Age of the oldest message that waits to be sent, by channel.",
			ConstLabels: prometheus.Labels{"channel": channel},
		}, func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), probeLimit)
			defer cancel()
			age, err := outbox.OldestAge(ctx, channel)
			if err != nil {
				return -1
			}
			return age.Seconds()
		}))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { answerProbe(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if !s.ready.Load() {
			answerProbe(w, http.StatusServiceUnavailable, "starting or stopping")
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), probeLimit)
		defer cancel()
		if err := s.DB.Ping(ctx); err != nil {
			answerProbe(w, http.StatusServiceUnavailable, "database does not answer")
			return
		}
		answerProbe(w, http.StatusOK, "ok")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	return mux
}

// newDeliveryCounter counts what became of each attempt to send.
func newDeliveryCounter(metrics prometheus.Registerer) func(channel, result string) {
	attempts := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "futakagi_outbox_attempts_total", Help: "Attempts to send a message, by channel and result.",
	}, []string{"channel", "result"})
	metrics.MustRegister(attempts)
	return func(channel, result string) { attempts.WithLabelValues(channel, result).Inc() }
}

func answerProbe(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}
