-- Nine redirects to one create: a thread for each, and whichever is ahead waits for the other.
-- Arguments: a file of redirects, a file of creates, host and port that take creates.
dofile(debug.getinfo(1, "S").source:match("^@(.*)mixed%.lua$") .. "replay.lua")

local ffi = require("ffi")
ffi.cdef("void *calloc(size_t count, size_t size);")
local READS_TO_A_WRITE = 9
-- The wait grows with the lead, 1 ms for ten requests: in seconds the two come to within a few percent of nine to one.
local LEAD_FOR_A_MS = 10
local replay_init, replay_request, replay_done = init, request, done
local sent -- requests so far, reads and writes, in memory that both threads see

function setup(thread)
  local is_first = sent == nil
  sent = sent or ffi.cast("int64_t *", ffi.C.calloc(2, 8))
  thread:set("own", is_first and 0 or 1)
  thread:set("address", tonumber(ffi.cast("intptr_t", sent)))
end

function init(args)
  sent = ffi.cast("int64_t *", ffi.cast("intptr_t", address))
  replay_init({ args[own + 1] })
  if own == 1 then
    wrk.thread.addr = wrk.lookup(args[3], args[4])[1]
  end
end

function request()
  sent[own] = sent[own] + 1
  return replay_request()
end

function delay()
  local lead = tonumber(sent[0] - READS_TO_A_WRITE * sent[1])
  return math.max(0, math.floor((own == 0 and lead or -lead) / LEAD_FOR_A_MS))
end

function done(summary, latency)
  io.write(string.format('{"reads":%d,"writes":%d}\n', tonumber(sent[0]), tonumber(sent[1])))
  replay_done(summary, latency)
end
