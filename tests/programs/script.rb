# A small tour: blocks, hashes, big integers, exceptions, string formatting, objects.
words = "The quick brown fox jumps over the lazy dog; the dog sleeps.".downcase.scan(/\w+/)
counts = words.tally.sort_by { |word, count| [-count, word] }
puts counts.map { |word, count| "#{word}=#{count}" }.join(" ")

Point = Struct.new(:x, :y) do
  def +(other) = Point.new(x + other.x, y + other.y)
end
puts (1..10).map { |i| Point.new(i, i * i) }.reduce(:+).inspect
puts (1..40).reduce(:*)
puts format("%.6f", (1..1000).sum { |n| 1.0 / n**2 })

def countdown(n)
  return enum_for(:countdown, n) unless block_given?
  n.downto(1) { |i| yield i }
end
puts countdown(5).to_a.inspect

begin
  Integer("twelve")
rescue ArgumentError => error
  puts "#{error.class}: #{error.message}"
ensure
  puts "done"
end
