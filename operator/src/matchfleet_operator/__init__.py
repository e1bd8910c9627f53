"""The operator: Match and Fleet resources become game server pods, and pods become results.

A pure core decides: `plan_match` what follows for one Match, `plan_fleet` which server plays which
Match and how many servers there are. A thin shell around it looks (`handlers`, `audit`, `cache`),
waits (`workqueue`) and acts (`executor`, `client`, `assign`). Everything the core knows of the
cluster are the values of `seen`; everything it wants are the values of `actions`.
"""
