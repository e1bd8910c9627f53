"""PostgreSQL, Redis, RabbitMQ and Kubernetes: typed access, named SQL, migrations."""
