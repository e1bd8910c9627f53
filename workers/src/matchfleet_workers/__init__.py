"""RabbitMQ consumers and jobs: ranking, analytics, jobs."""
