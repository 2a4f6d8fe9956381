# frozen_string_literal: true

# Prints what the Ruby recipe makes of the test vectors, for test_recipes.py to compare.

require "json"

recipe, file, keys = ARGV
require recipe
vectors = JSON.parse(File.read(file, encoding: "UTF-8"))

list_of = lambda do |v|
  Bounced.new(bounce_domain: v["bounce_domain"], key_id: v["key_id"], secret: v["secret"], list: v["list"], prefix: v["prefix"])
end

attempt = lambda do |needs_gem: "unsupported", &make|
  make.call
rescue ArgumentError
  nil
rescue NameError
  needs_gem
end

signed_with = lambda do |secret|
  list_of.call(vectors["signed"][0].merge("secret" => secret)).signed("alice@example.org", date: Date.new(2026, 11, 21))
end

complaint = lambda do |name|
  Bounced.key_from_file("#{keys}/#{name}")
rescue ArgumentError => e
  e.message
end

first = list_of.call(vectors["signed"][0])
commands = []
redis = ->(*command) { commands << command && 1 }
first.suppressed?(redis, "Alice@Example.org")
first.report(redis, "rejected", "Alice@Example.org", reply: "550 5.1.1 no")
mail = { tag: "nov", opt_in: "confirmed", engagement: "active", date: Date.new(2026, 11, 21) }
made = first.return_path_for(redis, "a!b@example.org", **mail)
first.headers_for(redis, "a!b@example.org", tag: "nov", date: Date.new(2026, 11, 21))
bulk = []
many = lambda do |*command|
  bulk.push(command[0, 2], command.size - 2)
  command.drop(2).map { |address| address.start_with?("gone") ? 1 : 0 }
end
addresses = Array.new(2500) { |i| "#{(i % 5).zero? ? 'Gone' : 'User'}#{i}@Example.org" } + ["nonsense"]
among = first.suppressed_among(many, addresses)
mapped = ->(*command) { command.drop(2).map { |address| address == "gone@xn--bcher-kva.example" ? 1 : 0 } }
abroad = attempt.call(needs_gem: "error") do
  first.suppressed_among(mapped, ["gone@b\u00fccher.example", "user@b\u00fccher.example"])
end
sent = []
tell = ->(*command) { sent << command && "1-1" }
first.report_sent(tell, 250, campaign: "nov", domain: "example.org")
first.report_sent(tell, 1)
first.report(tell, "rejected", "alice@example.org", reply: "550 no", mta: "mx.example.org", stage: "rcpt")
refused = [
  -> { first.report(tell, "opened", "alice@example.org") },
  -> { first.report(tell, "rejected", "alice@example.org") },
  -> { first.report(tell, "engaged", "alice") },
  -> { first.report_sent(tell, 0) },
].map { |make| attempt.call(&make).nil? }
known_of = ->(v) { { tag: v["tag"], opt_in: v["opt_in"], engagement: v["engagement"], date: Date.parse(v["date"]) } }
settings_of = ->(v) { { unsubscribe_url: v["unsubscribe_url"], feedback: v["feedback"], sender_id: v["sender_id"] } }
headers_of = lambda do |v|
  list = { bounce_domain: "bounce.example.com", key_id: "k", secret: vectors["signed"][0]["secret"] }
  Bounced.new(**list, **settings_of.call(v)).headers_for(nil, v["recipient"], **known_of.call(v))
end
bad_page = lambda do
  page = "https://example.com/\r\nBcc: eve@example.net"
  Bounced.new(bounce_domain: "example.com", key_id: "k", secret: "x" * 16, unsubscribe_url: page)
rescue ArgumentError
  nil
end

puts JSON.generate(
  normalised: vectors["normalisation"].map { |v| attempt.call { Bounced.normalise(v["input"]) } },
  signed: vectors["signed"].map do |v|
    known = { tag: v["tag"], opt_in: v["opt_in"], engagement: v["engagement"], date: Date.parse(v["date"]) }
    attempt.call { list_of.call(v).signed(v["recipient"], **known) }
  end,
  unsubscribe: vectors["unsubscribe"].map { |v| list_of.call(v).signed_unsubscribe(v["recipient"], **known_of.call(v)) },
  unsubscribe_tokens: vectors["tokens"].map do |v|
    first.token_path(Bounced.new_token([v["random_hex"]].pack("H*")), unsubscribes: true)
  end,
  headers: vectors["headers"].map(&headers_of),
  bad_page: bad_page.call,
  needs_token: vectors["needs_token"].map { |v| first.signed(v["recipient"]).nil? },
  tokens: vectors["tokens"].map { |v| first.token_path(Bounced.new_token([v["random_hex"]].pack("H*"))) },
  commands: commands,
  among: among,
  abroad: abroad,
  bulk: bulk,
  sent: sent,
  refused: refused,
  made: made,
  keys: vectors["keys"].map { |v| attempt.call { signed_with.call([v["file_hex"]].pack("H*")) } },
  good_file: signed_with.call(Bounced.key_from_file("#{keys}/good.key")),
  bad_files: %w[short.key missing.key].map(&complaint),
)
