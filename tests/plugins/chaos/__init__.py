"""The operator against a real API server that lets it down: one fault at one point of one story.

plans      which fault strikes where: every plan has a name and can be run alone
faults     what a point and a fault are
wire       what lies between the operators and the API server, and strikes
stories    what people and game servers do meanwhile
observer   what the API server was seen to hold, told by itself, in its own order
truths     what must hold of it, whatever went wrong
trial      one plan, from an empty namespace to a verdict
campaign   many plans, several at a time
"""
