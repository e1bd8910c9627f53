// A game server for Matchfleet without any code of Matchfleet: the contract of
// docs/server-contract.md in Go's standard library. The game: at most one step a tick, and who first
// walks `config.steps` of them has won. Players send datagrams: JOIN TOKEN, then STEP.
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

const tickHz, leewaySeconds = 20, 5

type seat struct { // as the assignment's roster says, and who plays it
	Seat, Team, place int
	Kind              string
	steps             bool
	from              net.Addr
}

type claims struct { // of an assignment and of a join token alike; what one lacks stays empty
	Iss, Aud, Jti  string
	Iat, Exp, Seat int
	MatchUID       string `json:"match_uid"`
	APIKeys        string `json:"api_jwks"`
	Spec           struct {
		Game    string
		Seed    int
		Config  struct{ Steps int }
		Players []*seat
		Limits  struct{ JoinSeconds, MaxSeconds int }
	}
}

type server struct {
	sync.Mutex
	podUID, game          string
	udp                   net.PacketConn
	match                 *claims
	used                  map[string]string // ids of join tokens, and where they were used from
	assigned, began, last time.Time         // began: the first tick with everybody there; last: the last one
	stopAt                time.Time         // told to stop: until when the match may go on
	ticks, late           int
}

// verify reads a compact JWT: EdDSA by a key of the JWK set, of this kind, from and for whom it says.
func verify(token, jwks, kind, issuer, audience string) (told claims, ok bool) {
	var header struct{ Alg, Kid, Typ, Crit any }
	var set struct{ Keys []struct{ Kid, X string } }
	var part [3][]byte
	told.Spec.Limits.JoinSeconds, told.Spec.Limits.MaxSeconds = 30, 900 // what is left out is the default
	for i, text := range strings.SplitN(token, ".", 3) {
		part[i], _ = base64.RawURLEncoding.DecodeString(text) // what is no base64 verifies as nothing
	}
	_, _ = json.Unmarshal(part[0], &header), json.Unmarshal([]byte(jwks), &set)
	isKind := header.Alg == "EdDSA" && header.Typ == kind && header.Crit == nil
	signed, now := []byte(token[:max(strings.LastIndex(token, "."), 0)]), int(time.Now().Unix())
	for _, key := range set.Keys {
		x, _ := base64.RawURLEncoding.DecodeString(key.X)
		if isKind && key.Kid == header.Kid && len(x) == ed25519.PublicKeySize && ed25519.Verify(x, signed, part[2]) {
			ok = json.Unmarshal(part[1], &told) == nil && told.Iss == issuer && told.Aud == audience &&
				told.Iat <= now+leewaySeconds && told.Exp > now-leewaySeconds
			return told, ok
		}
	}
	return told, false
}

// assign takes the first assignment for this pod, any number of times, and no other.
func (s *server) assign(token string) (status int, key, value string) {
	keys, _ := os.ReadFile(os.Getenv("MATCHFLEET_OPERATOR_PUBLIC_KEYS")) // anew: it is rotated in place
	told, ok := verify(token, string(keys), "assignment+jwt", "matchfleet-operator", s.podUID)
	switch {
	case !ok:
		return 401, "detail", "not an assignment for this pod"
	case s.match != nil && s.match.MatchUID != told.MatchUID:
		return 409, "match_uid", s.match.MatchUID
	case told.Spec.Game != s.game || len(told.Spec.Players) < 2 || told.Spec.Config.Steps < 1:
		return 422, "detail", s.game + " takes two players or more, and config.steps"
	case s.match == nil:
		s.match, s.assigned, s.last = &told, time.Now(), time.Now()
	}
	return 200, "match_uid", told.MatchUID
}

// hear answers one datagram; a player is whoever sends from the address that joined.
func (s *server) hear(word, token string, from net.Addr) {
	answer, audience := "NO ask for another token", s.match.MatchUID+"/"+s.podUID
	told, ok := verify(token, s.match.APIKeys, "join+jwt", "matchfleet-api", audience)
	for _, one := range s.match.Spec.Players {
		mine := one.from != nil && one.from.String() == from.String()
		one.steps = one.steps || word == "STEP" && mine
		by, isUsed := s.used[told.Jti] // by the same player, for a datagram may come twice
		if ok && word == "JOIN" && one.Seat == told.Seat && one.Kind == "Human" && (!isUsed || by == from.String()) {
			s.used[told.Jti], one.from, answer = from.String(), from, fmt.Sprintf("SEAT %d", one.Seat)
		}
	}
	if word == "JOIN" {
		_, _ = s.udp.WriteTo([]byte(answer), from)
	}
}

// tick plays one tick; outcome and reason are set once the match is over.
func (s *server) tick(now time.Time) (outcome string, reason any) {
	spec, everybody, over, state := s.match.Spec, true, false, ""
	for _, one := range spec.Players {
		everybody = everybody && (one.Kind == "Bot" || one.from != nil)
	}
	if s.ticks += count(everybody); s.ticks <= 1 {
		s.began = now
	}
	s.late += count(s.ticks > 1 && now.Sub(s.last) > 2*time.Second/tickHz)
	s.last = now
	for _, one := range spec.Players {
		botSteps := one.Kind == "Bot" && (s.ticks*(one.Seat+2)+spec.Seed)%5 < 3
		one.place += count(everybody && (one.steps || botSteps))
		one.steps, over = false, over || one.place >= spec.Config.Steps
		state += fmt.Sprintf(" %d", one.place)
	}
	for _, one := range spec.Players {
		if one.from != nil {
			_, _ = s.udp.WriteTo([]byte([]string{"AT", "OVER"}[count(over)]+state), one.from)
		}
	}
	switch waited := int(now.Sub(s.assigned).Seconds()); {
	case over:
		return "completed", nil
	case !s.stopAt.IsZero() && now.After(s.stopAt):
		return "void", "Drained"
	case !everybody && waited >= spec.Limits.JoinSeconds:
		return "void", "JoinTimeout"
	case waited >= spec.Limits.JoinSeconds+spec.Limits.MaxSeconds:
		return "void", "TimedOut"
	}
	return "", nil
}

// end writes the result in one piece, its digest last, and leaves.
func (s *server) end(outcome string, reason any) {
	standings := []any{}
	for _, one := range s.match.Spec.Players {
		rank := 1
		for _, other := range s.match.Spec.Players {
			rank += count(other.place > one.place)
		}
		standings = append(standings, map[string]any{"seat": one.Seat, "team": one.Team, "rank": rank,
			"score": one.place, "bot": one.Kind == "Bot"})
	}
	body, _ := json.Marshal(map[string]any{"match_uid": s.match.MatchUID, "outcome": outcome,
		"reason": reason, "standings": standings, "ticks": s.ticks, "late_ticks": s.late, "tick_hz": tickHz,
		"achieved_hz": float64(s.ticks) / max(s.last.Sub(s.began).Seconds(), 1.0/tickHz)})
	message := fmt.Appendf(nil, `{"result":%s,"sha256":"%x"}`, body, sha256.Sum256(body))
	os.Exit(count(os.WriteFile(os.Getenv("MATCHFLEET_TERMINATION_LOG"), message, 0o644) != nil))
}

func count(is bool) int { return map[bool]int{true: 1}[is] }

func main() {
	at := func(port string) string { return net.JoinHostPort(os.Getenv("MATCHFLEET_POD_IP"), os.Getenv(port)) }
	udp, noUDP := net.ListenPacket("udp", at("MATCHFLEET_GAME_PORT"))
	control, noTCP := net.Listen("tcp", at("MATCHFLEET_CONTROL_PORT"))
	if noUDP != nil || noTCP != nil {
		log.Fatal(noUDP, noTCP)
	}
	s := &server{podUID: os.Getenv("MATCHFLEET_POD_UID"), game: os.Getenv("MATCHFLEET_GAME"), udp: udp, used: map[string]string{}}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 65536))
		s.Lock() // which a tick that hangs holds: so a server that hangs answers nothing
		defer s.Unlock()
		status, key, value := 200, "is", "well" // GET /livez and GET /readyz
		if r.URL.Path == "/v1/assignment" {
			status, key, value = s.assign(strings.TrimSpace(string(body)))
		}
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{key: value})
	})
	go func() { log.Fatal(http.Serve(control, nil)) }()
	go func() {
		for buffer := make([]byte, 4096); ; {
			if n, from, err := udp.ReadFrom(buffer); err == nil {
				word, token, _ := strings.Cut(strings.TrimSpace(string(buffer[:n])), " ")
				s.Lock()
				if s.match != nil {
					s.hear(word, token, from)
				}
				s.Unlock()
			}
		}
	}()
	drain, _ := time.ParseDuration(os.Getenv("MATCHFLEET_DRAIN_SECONDS") + "s")
	told, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	for now := range time.Tick(time.Second / tickHz) {
		s.Lock()
		if told.Err() != nil && s.stopAt.IsZero() {
			s.stopAt = now.Add(drain)
		}
		if s.match == nil && told.Err() != nil {
			return
		} else if s.match != nil {
			if outcome, reason := s.tick(now); outcome != "" {
				s.end(outcome, reason)
			}
		}
		s.Unlock()
	}
}
