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

puts JSON.generate(
  normalised: vectors["normalisation"].map { |v| attempt.call { Bounced.normalise(v["input"]) } },
  signed: vectors["signed"].map do |v|
    known = { tag: v["tag"], opt_in: v["opt_in"], engagement: v["engagement"], date: Date.parse(v["date"]) }
    attempt.call { list_of.call(v).signed(v["recipient"], **known) }
  end,
  needs_token: vectors["needs_token"].map { |v| first.signed(v["recipient"]).nil? },
  tokens: vectors["tokens"].map { |v| first.token_path(Bounced.new_token([v["random_hex"]].pack("H*"))) },
  commands: commands,
  made: made,
  keys: vectors["keys"].map { |v| attempt.call { signed_with.call([v["file_hex"]].pack("H*")) } },
  good_file: signed_with.call(Bounced.key_from_file("#{keys}/good.key")),
  bad_files: %w[short.key missing.key].map(&complaint),
)
