"""Generated from proto/ by proto/generate.py: matchfleet.bot.v1."""
