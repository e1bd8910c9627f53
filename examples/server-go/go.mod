module matchfleet.dev/examples/server-go

go 1.24
