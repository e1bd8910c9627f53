"""One authoritative match per process: a game, its clock, its players and its bots.

    app          opens the two doors and waits for the end      __main__ builds it from settings
    lifecycle    idle, hosting, leaving: what may be asked of a server when
    control      the operator's door                            operator_keys, assignments
    transport    the players' door                              links, limits, admission
    hosting      brings players, bots and clock together, tick by tick
    players      what each connected player is sent
    ticker       wakes the loop on time                         pacing says which ticks are due
    match        when a match starts and why it ends            seats says who holds which seat
    bot_seats    what the seats without a player do             bot_provider asks over gRPC
    game         what a game is; registry finds one, games/ holds ours, rng is their chance
    termination  writes the result                              watchdog ends a match that hangs

Pure, with time as an argument: game, games, rng, match, seats, bot_seats, breaker, pacing, limits.
"""
