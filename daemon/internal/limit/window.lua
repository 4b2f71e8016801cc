-- Asks several windows for tokens, in order, at one moment.
--
-- A window is two keys. The ring is a list of the stamps (microseconds) of all
-- tokens given in the last hour, newest first, so that any limit of up to an
-- hour can be answered exactly the moment it is set. The book saves looking at
-- them: its field "sum" is four numbers, used floor last oldest: so many stamps
-- are younger than floor, oldest is the oldest of them, last the newest ever
-- given. One field, because what a check costs is commands and strings. As long
-- as oldest is in the window a check touches the ring only to put a token there.
-- At "due" the keys expire. A sum that is gone is made again from the ring. A
-- window the ledger knows of is complete from the birth of the data set on, or,
-- once seeded ("of" is that birth), from "whole" on.
--
-- KEYS: birth, then ring and book of each window.
-- ARGV: now (empty: the server's clock; tests only), settle, keep, then of each
-- window: length, cap, want, 1 if it must know what the ledger knows.
-- Returns of each window: granted, wait until one more would be, used, time
-- until the oldest token comes back, stamp; granted is -1 if the window must be
-- seeded first.
local call = redis.call

local function stamp(ring, i) -- of the i-th newest token, from 0; 0: there is none
  return tonumber(call('LINDEX', ring, i) or 0)
end

-- count returns how many stamps are younger than edge. guess were younger than
-- floor: the search gallops away from there and then halves.
local function count(ring, guess, floor, edge)
  local low, high, step = 0, guess, 1
  if guess > 0 and stamp(ring, guess - 1) <= edge then
    high = guess - 1
    while high > 0 do
      local i = math.max(high - step, 0)
      if stamp(ring, i) > edge then
        low = i + 1
        break
      end
      high, step = i, step * 2
    end
  elseif edge >= floor then
    return guess
  else
    low = guess
    while stamp(ring, low + step - 1) > edge do
      low, step = low + step, step * 2
    end
    high = low + step - 1
  end
  while low < high do
    local middle = math.floor((low + high) / 2)
    if stamp(ring, middle) > edge then low = middle + 1 else high = middle end
  end
  return low
end

-- drop forgets what no limit can ask for any more.
local function drop(ring, edge)
  for _ = 1, 100 do
    local oldest = stamp(ring, -1)
    if oldest == 0 or oldest > edge then return end
    call('RPOP', ring)
  end
end

local function give(ring, at, n)
  local s = string.format('%.0f', at)
  if n == 1 then
    call('LPUSH', ring, s)
    return
  end
  local all = {}
  for i = 1, n do all[i] = s end
  call('LPUSH', ring, unpack(all))
end

local function write(ring, book, used, floor, last, oldest, due, keep)
  local sum = string.format('%d %.0f %.0f %.0f', used, floor, last, oldest)
  if due >= last + keep then
    call('HSET', book, 'sum', sum)
    return
  end
  local ttl = keep * 1.25 -- so that this is rarely done
  call('HSET', book, 'sum', sum, 'due', string.format('%.0f', last + ttl))
  call('PEXPIRE', ring, math.ceil(ttl / 1000))
  call('PEXPIRE', book, math.ceil(ttl / 1000))
end

local now
if ARGV[1] == '' then
  local t = call('TIME')
  now = t[1] * 1000000 + t[2]
else
  now = tonumber(ARGV[1])
end
local settle, longest = tonumber(ARGV[2]), tonumber(ARGV[3])
local birth -- of this data set
local answers, n = {}, 0

for k = 2, #KEYS, 2 do
  local ring, book, a = KEYS[k], KEYS[k + 1], 2 * k - 1
  local length, cap, want, ledger = tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3]), ARGV[a + 4] == '1'
  local b = call('HMGET', book, 'sum', 'due', 'of', 'whole')
  local used, floor, last, oldest = 0, math.huge, 0, 0
  if b[1] then
    local u, f, l, o = string.match(b[1], '^(%d+) (%S+) (%d+) (%d+)$')
    used, floor, last, oldest = tonumber(u), tonumber(f), tonumber(l), tonumber(o)
  end
  if last > now + length then -- stamped by another master's clock: start afresh
    call('DEL', ring, book)
    used, floor, last, oldest, b = 0, math.huge, 0, 0, {}
  end
  local at = math.max(now, last) -- never step back

  local whole = 0
  if ledger then
    if not birth then
      birth = call('GET', KEYS[1])
      if not birth or tonumber(birth) > now then
        birth = string.format('%.0f', now)
        call('SET', KEYS[1], birth)
      end
    end
    whole = tonumber(b[3] == birth and b[4] or birth)
  end

  local granted, wait, back = 0, 0, 0
  if whole <= at - length then
    local edge, keep = at - length, math.max(longest, length)
    if edge < floor or oldest <= edge then
      used = count(ring, used, floor, edge)
      oldest = used > 0 and stamp(ring, used - 1) or 0
      drop(ring, at - keep)
    end
    granted = math.max(0, math.min(want, cap - used))
    if granted > 0 then
      give(ring, at, granted)
      if used == 0 then oldest = at end
      used = used + granted
      write(ring, book, used, edge, at, oldest, tonumber(b[2] or 0), keep)
    end
    if used > 0 then back = oldest + length - now end
    if used == cap then
      wait = cap > 0 and back or length
    elseif used > cap then
      wait = length
      if cap > 0 then wait = stamp(ring, cap - 1) + length - now end
    end
  else
    used = 0
    wait = tonumber(birth) + settle - now -- tokens of before may still be on their way into the ledger
    if wait <= 0 then granted, wait = -1, 0 end
  end
  answers[n + 1], answers[n + 2], answers[n + 3], answers[n + 4], answers[n + 5] = granted, wait, used, back, at
  n = n + 5
end
return answers
